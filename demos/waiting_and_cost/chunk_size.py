"""Many tiny items handed out one by one, and in chunks."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, say

COUNT, ROUNDS = 10000, 5


def add_one(number):
    return number + 1


def cost(pool, chunk):
    start = time.perf_counter()
    pool.map(add_one, range(COUNT), chunksize=chunk)
    return 1e9 * (time.perf_counter() - start) / COUNT


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        cost(pool, 1000)  # wakes the workers
        rounds = [(cost(pool, 1000 if is_broken() else 1), cost(pool, 1000)) for _ in range(ROUNDS)]
    one, many = (statistics.median(column) for column in zip(*rounds))
    bars("ns per item", ("in chunks of 1", one), ("in chunks of 1,000", many))
    say(f"chunks of 1 take {one / many:.2g} times as long")
    measured(one > 3 * many, "tiny items cost less when many are handed out at once")
    sys.exit(end())
