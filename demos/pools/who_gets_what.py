"""Forty tasks, four workers: which worker did which task?"""
import multiprocessing
import os
import sys
from collections import Counter

from lesson import bars, end, fact, is_broken

context = multiprocessing.get_context("fork")
others_done, done = context.Event(), context.Value("i", 0)


def who(number):
    """Task 0 waits until all others are done. With --break not long: tasks of its own chunk come after it."""
    if number == 0:
        others_done.wait(0.5 if is_broken() else 30)
    else:
        with done.get_lock():
            done.value += 1
            if done.value == 39:
                others_done.set()
    return os.getpid()


if __name__ == "__main__":
    with context.Pool(4) as pool:
        # With chunks of ten, the worker that takes task 0 takes nine more tasks.
        workers = pool.map(who, range(40), chunksize=10 if is_broken() else 1)
    tasks = Counter(workers)
    bars("tasks", *[(f"worker {pid}", count) for pid, count in tasks.items()],
         *[("another worker", 0)] * (4 - len(tasks)))
    fact(len(tasks) <= 4, "forty tasks were done by no more than four processes")
    fact(tasks[workers[0]] == 1, "the worker of the first task does only that one, and the others do 39")
    sys.exit(end())
