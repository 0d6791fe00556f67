"""Waiting on eight threads under an interpreter's lock, on eight without it, and on eight processes."""
import concurrent.futures
import multiprocessing
import statistics
import sys
import threading
import time

from lesson import bars, end, fact, is_broken

ROUNDS, COUNT, SECONDS = 5, 24, 0.005
lock = threading.Lock()


def wait(_):
    if is_broken():  # whoever waits with the lock in its hands keeps all others waiting
        with lock:
            time.sleep(SECONDS)
    else:
        time.sleep(SECONDS)


def timed(run_map):
    start = time.perf_counter()
    list(run_map(wait, range(COUNT)))
    return time.perf_counter() - start


if __name__ == "__main__":
    processes = concurrent.futures.ProcessPoolExecutor(8, multiprocessing.get_context("fork"))
    with processes, concurrent.futures.ThreadPoolExecutor(8) as threads:
        timed(processes.map), timed(threads.map)
        rounds = [(timed(map), timed(threads.map), timed(processes.map)) for _ in range(ROUNDS)]
    one, by_threads, by_processes = (statistics.median(column) for column in zip(*rounds))
    bars("times", ("one thread", 1), ("eight threads", one / by_threads),
         ("eight processes", one / by_processes))
    fact(one / by_threads > 4,
         "eight threads wait for eight things at once, also under an interpreter's lock")
    fact(by_processes / by_threads > 0.8, "eight processes wait no faster")
    sys.exit(end())
