"""Forty tasks, four workers: who did which?"""
import multiprocessing
import os
import sys
from collections import Counter

from lesson import bars, end, fact, is_broken


def who(_):
    return os.getpid()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with context.Pool(4, maxtasksperchild=1 if is_broken() else None) as pool:
        tasks = Counter(pool.map(who, range(40), chunksize=1))
    bars("tasks", *[(str(pid), count) for pid, count in tasks.items()])
    fact(len(tasks) <= 4, "forty tasks were done by no more than four processes")
    sys.exit(end())
