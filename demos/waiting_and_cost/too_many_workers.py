"""Computing and waiting, on as many workers as there are CPUs and on many more."""
import multiprocessing
import os
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus

ROUNDS = 7


def count_primes(start):
    return sum(n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(start, start + 500))


def timed(pool, work, items):
    start = time.perf_counter()
    pool.map(work, items, chunksize=1)
    return time.perf_counter() - start


def wait(_):
    time.sleep(0.004)


def compare(work, items):
    """ms on few and on many workers, and the ratio of each round."""
    with context.Pool(cpus) as few, context.Pool(many if work is wait or not is_broken() else 1) as lots:
        few.map(wait, range(cpus)), lots.map(wait, range(many))
        rounds = [(timed(few, work, items), timed(lots, work, items)) for _ in range(ROUNDS)]
    return [1e3 * statistics.median(column) for column in zip(*rounds)], [a / b for a, b in rounds]


if __name__ == "__main__":
    need_cpus(2)
    context = multiprocessing.get_context("fork")
    cpus = len(os.sched_getaffinity(0))
    many = max(min(16 * cpus, 256), 4 * cpus)
    (few_compute, many_compute), computing = compare(count_primes, range(0, 80000, 500))
    (few_wait, many_wait), waiting = compare(wait, range(many))
    bars("ms", (f"computing: {cpus} workers, as many as CPUs", few_compute),
         (f"computing: {1 if is_broken() else many} workers", many_compute),
         (f"waiting: {cpus} workers", few_wait), (f"waiting: {many} workers", many_wait))
    measured(min(computing) < 1.1 and statistics.median(computing) > 0.7,
         "for computing, many more workers than CPUs are no faster")
    measured(statistics.median(waiting) > 2, "for waiting, they are faster")
    sys.exit(end())
