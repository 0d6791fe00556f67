"""Counting divisors by trying every number on all CPUs, and up to the square root on one."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, fact, is_broken, measured

FIRST, COUNT, ROUNDS = 200000, 8, 3


def try_all(n):
    return sum(n % divisor == 0 for divisor in range(1, n + 1))


def by_pairs(n):
    """For each divisor below the square root there is one above."""
    if is_broken():
        return try_all(n)
    root = int(n ** 0.5)
    return sum(2 for divisor in range(1, root + 1) if n % divisor == 0) - (root * root == n)


def timed(run_map, function):
    start = time.perf_counter()
    result = list(run_map(function, range(FIRST, FIRST + COUNT)))
    return 1e6 * (time.perf_counter() - start), result


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool() as pool:
        rounds = [(timed(pool.map, try_all), timed(map, by_pairs)) for _ in range(ROUNDS)]
    plain = statistics.median(first[0] for first, _ in rounds)
    better = statistics.median(second[0] for _, second in rounds)
    bars("us", ("every number tried, all CPUs", plain), ("up to the square root, one CPU", better))
    fact(rounds[0][0][1] == rounds[0][1][1], "both count the same divisors")
    measured(plain > 5 * better, "the better algorithm on one CPU beats the plain one on all of them")
    sys.exit(end())
