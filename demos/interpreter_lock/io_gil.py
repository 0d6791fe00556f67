"""Waiting on one thread, on many under an interpreter's lock, and on as many processes."""
import concurrent.futures
import multiprocessing
import os
import statistics
import sys
import threading
import time

from lesson import bars, end, is_broken, measured, note

ROUNDS, SECONDS = 7, 0.005
WORKERS = max(8, 4 * len(os.sched_getaffinity(0)))
lock = threading.Lock()


def wait(_):
    if is_broken():  # a thread that waits and holds the lock makes all others wait
        with lock:
            time.sleep(SECONDS)
    else:
        time.sleep(SECONDS)


def timed(run_map):
    start = time.perf_counter()
    list(run_map(wait, range(3 * WORKERS)))
    return time.perf_counter() - start


if __name__ == "__main__":
    processes = concurrent.futures.ProcessPoolExecutor(WORKERS, multiprocessing.get_context("fork"))
    with processes, concurrent.futures.ThreadPoolExecutor(WORKERS) as threads:
        timed(processes.map), timed(threads.map)
        rounds = [(timed(map), timed(threads.map), timed(processes.map)) for _ in range(ROUNDS)]
    one, by_threads, by_processes = (statistics.median(column) for column in zip(*rounds))
    bars("times", ("one thread", 1), (f"{WORKERS} threads", one / by_threads),
         (f"{WORKERS} processes", one / by_processes))
    note("ratio", *[three / two for _, two, three in rounds])
    note("speedup", *[first / two for first, two, _ in rounds])
    measured(one / by_threads > 0.5 * WORKERS,
         "many threads wait for many things at once, even under an interpreter's lock")
    measured(by_processes / by_threads > 0.8, "as many processes are no faster")
    sys.exit(end())
