"""What a lock costs that nobody else wants, and one that two processes fight for."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus

TIMES, ROUNDS = 20000, 5
context = multiprocessing.get_context("fork")


def take_and_release(lock, barrier, spent, number):
    barrier.wait()
    start = time.perf_counter()
    for _ in range(TIMES):
        lock.acquire()
        lock.release()
    spent[number] = time.perf_counter() - start


def cost(processes):
    """ns to take and release it once, while so many do it."""
    lock, barrier = context.Lock(), context.Barrier(processes)
    spent = context.Array("d", processes, lock=False)
    workers = [context.Process(target=take_and_release, args=(lock, barrier, spent, i))
               for i in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 1e9 * sum(spent) / processes / TIMES


if __name__ == "__main__":
    need_cpus(2)
    alone = [cost(1) for _ in range(ROUNDS)]
    fought = [cost(1 if is_broken() else 2) for _ in range(ROUNDS)]
    bars("ns", ("one process", statistics.median(alone)), ("two processes", statistics.median(fought)))
    measured(statistics.median(fought) > 1.5 * statistics.median(alone),
         "a lock that two fight for costs each of them more than one that nobody else wants")
    sys.exit(end())
