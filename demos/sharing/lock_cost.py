"""The cost of a lock that one process uses, and of a lock that two processes compete for."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus

TIMES, ROUNDS = 20000, 5
context = multiprocessing.get_context("fork")


def acquire_and_release(lock, barrier, spent, number):
    barrier.wait()
    start = time.perf_counter()
    for _ in range(TIMES):
        lock.acquire()
        lock.release()
    spent[number] = time.perf_counter() - start


def cost(processes):
    """The ns to acquire and release the lock once, while that many processes do it."""
    lock, barrier = context.Lock(), context.Barrier(processes)
    spent = context.Array("d", processes, lock=False)
    workers = [context.Process(target=acquire_and_release, args=(lock, barrier, spent, i))
               for i in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 1e9 * sum(spent) / processes / TIMES


if __name__ == "__main__":
    need_cpus(2)
    alone = [cost(1) for _ in range(ROUNDS)]
    contended = [cost(1 if is_broken() else 2) for _ in range(ROUNDS)]
    bars("ns", ("one process", statistics.median(alone)), ("two processes", statistics.median(contended)))
    measured(statistics.median(contended) > 1.5 * statistics.median(alone),
         "two processes that compete for a lock each pay more than one that has it alone")
    sys.exit(end())
