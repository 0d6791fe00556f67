"""Many small tasks: a process for each, and a pool."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured

ROUNDS, COUNTS = 3, (1, 10, 100)
context = multiprocessing.get_context("fork")


def small(_=None):
    pass


def by_processes(count):
    start = time.perf_counter()
    for _ in range(count):
        process = context.Process(target=small)
        process.start()
        process.join()
    return 1e6 * (time.perf_counter() - start)


def by_pool(count):
    if is_broken():
        return by_processes(count)
    start = time.perf_counter()
    with context.Pool(2) as pool:
        pool.map(small, range(count), chunksize=1)
        pool.close()
        pool.join()
    return 1e6 * (time.perf_counter() - start)


if __name__ == "__main__":
    spent = {}
    for count in COUNTS:
        spent[f"{count} tasks, a process each"] = statistics.median(by_processes(count) for _ in range(ROUNDS))
        spent[f"{count} tasks, a pool"] = statistics.median(by_pool(count) for _ in range(ROUNDS))
    bars("us", *spent.items())
    measured(spent["100 tasks, a process each"] > 2 * spent["100 tasks, a pool"],
         "a hundred small tasks take less than half the time in a pool, compared with a process each")
    sys.exit(end())
