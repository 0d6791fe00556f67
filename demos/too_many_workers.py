"""The same computing on as many workers as there are CPUs, and on many more."""
import multiprocessing
import os
import statistics
import sys
import time

from lesson import bars, end, fact, is_broken

ROUNDS = 5


def count_primes(start):
    return sum(n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(start, start + 500))


def timed(pool):
    start = time.perf_counter()
    pool.map(count_primes, range(0, 40000, 500), chunksize=1)
    return time.perf_counter() - start


if __name__ == "__main__":
    cpus = len(os.sched_getaffinity(0))
    many = 1 if is_broken() else 16 * cpus
    context = multiprocessing.get_context("fork")
    with context.Pool(cpus) as few_workers, context.Pool(many) as many_workers:
        timed(few_workers), timed(many_workers)
        rounds = [(timed(few_workers), timed(many_workers)) for _ in range(ROUNDS)]
    few, lots = (1e3 * statistics.median(column) for column in zip(*rounds))
    bars("ms", (f"{cpus} workers, as many as CPUs", few), (f"{many} workers", lots))
    fact(min(a / b for a, b in rounds) < 1.1 and statistics.median(a / b for a, b in rounds) > 0.7,
         "for computing, sixteen times as many workers as CPUs are no faster")
    sys.exit(end())
