"""Messages back and forth between two threads and between two processes, on one CPU."""
import multiprocessing
import os
import statistics
import sys
import threading
import time

from lesson import bars, end, is_broken, measured, say

TRIPS, WARM, ROUNDS = 1000, 50, 9
context = multiprocessing.get_context("fork")


def play(mine, yours):
    for _ in range(WARM + TRIPS):
        os.read(mine, 1)
        os.write(yours, b".")


def cost(make):
    """us per round trip."""
    (mine, theirs), (other, yours) = os.pipe(), os.pipe()
    worker = make(target=play, args=(other, theirs))
    worker.start()
    for i in range(WARM + TRIPS):
        if i == WARM:  # the worker has started
            start = time.perf_counter()
        os.write(yours, b".")
        os.read(mine, 1)
    spent = time.perf_counter() - start
    worker.join()
    for end_ in (mine, theirs, other, yours):
        os.close(end_)
    return 1e6 * spent / TRIPS


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rounds = [(cost(threading.Thread), cost(threading.Thread if is_broken() else context.Process))
              for _ in range(ROUNDS)]
    threads, processes = (statistics.median(column) for column in zip(*rounds))
    bars("us per round trip", ("two threads", threads), ("two processes", processes))
    say(f"processes take {processes / threads:.3g} times as long")
    measured(1.04 < processes / threads < 5,
         "switching to another process costs a little more than to another thread")
    sys.exit(end())
