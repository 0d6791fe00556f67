"""Measures the costs of multiprocessing.Pool and ProcessPoolExecutor with two forked workers.

    pools.py FIGURE...    prints a line "FIGURE NS" for each FIGURE: "pool." or "executor." followed by

    open     opening it, running a task per worker, closing it
    task     one task of many that are submitted, then waited for
    item     one item of a map with chunks of 1
    latency  submitting one task and waiting for it
"""

import concurrent.futures
import multiprocessing
import sys
import time

WORKERS = 2
TASKS = 500
SINGLES = 100


def add_one(number):
    return number + 1


class Pool:
    def __init__(self):
        self.pool = multiprocessing.get_context("fork").Pool(WORKERS)

    def submit(self, number):
        return self.pool.apply_async(add_one, (number,)).get

    def map(self, numbers):
        return self.pool.map(add_one, numbers, chunksize=1)

    def close(self):
        self.pool.close()
        self.pool.join()


class Executor:
    def __init__(self):
        context = multiprocessing.get_context("fork")
        self.executor = concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=context)

    def submit(self, number):
        return self.executor.submit(add_one, number).result

    def map(self, numbers):
        return list(self.executor.map(add_one, numbers, chunksize=1))

    def close(self):
        self.executor.shutdown()


def open_and_close(make):
    pool = make()
    run_many(pool, WORKERS)
    pool.close()


def run_many(pool, count):
    results = [pool.submit(i) for i in range(count)]
    assert [result() for result in results] == list(range(1, count + 1))


def run_map(pool, count):
    assert pool.map(range(count)) == list(range(1, count + 1))


def run_singles(pool, count):
    for i in range(count):
        assert pool.submit(i)() == i + 1


def measure(make, opened, what):
    """Returns the time of one operation in ns. opened: the open pool of each kind, for all but open."""
    if what == "open":
        start = time.monotonic_ns()
        open_and_close(make)
        return time.monotonic_ns() - start
    run, count = {"task": (run_many, TASKS), "item": (run_map, TASKS),
                  "latency": (run_singles, SINGLES)}[what]
    pool = opened[make] = opened.get(make) or make()
    run(pool, count // 10)  # starts its threads and workers
    start = time.monotonic_ns()
    run(pool, count)
    return (time.monotonic_ns() - start) / count


if __name__ == "__main__":
    opened = {}
    for argument in sys.argv[1:]:
        kind, _, what = argument.partition(".")
        make = {"pool": Pool, "executor": Executor}[kind]
        print(argument, round(measure(make, opened, what), 1), flush=True)
    for pool in opened.values():
        pool.close()
