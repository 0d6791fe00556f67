"""The same computation on two threads and on two processes of this interpreter."""
import concurrent.futures
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus

ROUNDS = 3
RANGES = [(start, start + 2500) for start in range(0, 120000, 2500)]


def count_primes(bounds):
    count = 0
    for n in range(*bounds):
        if n > 1 and (n == 2 or n % 2) and all(n % d for d in range(3, int(n ** 0.5) + 1, 2)):
            count += 1
    return count


def timed(run_map):
    start = time.perf_counter()
    assert sum(run_map(count_primes, RANGES)) == 11301
    return time.perf_counter() - start


def process_pool():
    return concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork"))


if __name__ == "__main__":
    need_cpus(2)
    make_threads = process_pool if is_broken() else lambda: concurrent.futures.ThreadPoolExecutor(2)
    with process_pool() as processes, make_threads() as threads:
        for pool in (processes, threads):
            list(pool.map(count_primes, RANGES[:4]))  # starts the workers
        rounds = [(timed(map), timed(threads.map), timed(processes.map)) for _ in range(ROUNDS)]
    by_threads = statistics.median(one / two for one, two, _ in rounds)
    by_processes = statistics.median(one / two for one, _, two in rounds)
    bars("times", ("one thread", 1), ("two threads", by_threads),
         ("two processes", by_processes))
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    measured(by_threads < 1.2 or not has_lock,
         "threads that share an interpreter's lock are no faster than one")
    measured(max(one / two for one, _, two in rounds) > 1.3, "processes are faster")
    sys.exit(end())
