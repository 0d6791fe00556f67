"""Forty tasks, four workers: who did which?"""
import multiprocessing
import os
import sys
from collections import Counter

from lesson import bars, end, fact, is_broken

context = multiprocessing.get_context("fork")
others_done, done = context.Event(), context.Value("i", 0)


def who(number):
    """Task 0 is held up until all others are done; broken, they stand behind it, so it does not wait long."""
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
        # In chunks of ten whoever takes task 0 has taken nine more.
        workers = pool.map(who, range(40), chunksize=10 if is_broken() else 1)
    tasks = Counter(workers)
    bars("tasks", *[(f"worker {pid}", count) for pid, count in tasks.items()],
         *[("another one", 0)] * (4 - len(tasks)))
    fact(len(tasks) <= 4, "forty tasks were done by no more than four processes")
    fact(tasks[workers[0]] == 1, "who is held up by the first task does one, and the others do 39")
    sys.exit(end())
