"""Four processes add to one number, with and without a lock."""
import multiprocessing
import statistics
import sys

from lesson import bars, end, fact, is_broken, measured, need_cpus

PROCESSES, TIMES, ROUNDS = 4, 10000, 5
context = multiprocessing.get_context("fork")


def add(counter, locked):
    for _ in range(TIMES):
        if locked:
            with counter.get_lock():
                counter.value += 1
        else:
            counter.value += 1  # read, add, write: others interfere in between


def count(locked):
    counter = context.Value("i", 0)
    workers = [context.Process(target=add, args=(counter, locked)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


if __name__ == "__main__":
    need_cpus(2)
    kept = count(True)
    left = [count(is_broken()) for _ in range(ROUNDS)]
    bars("of 40,000", ("with the lock", kept), ("without, median", statistics.median(left)))
    fact(kept == PROCESSES * TIMES, "with the lock, all 40,000 increments are counted")
    measured(min(left) < PROCESSES * TIMES, "without the lock, increments are lost")
    sys.exit(end())
