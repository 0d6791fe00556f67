"""Measures how late a thread wakes from a sleep while another thread or process computes.

    convoy.py WAY...    prints a line "WAY NS" for each WAY, cpython-thread or cpython-process
"""
import multiprocessing
import statistics
import sys
import threading
import time

WAITS = 5
WAIT_NS = 1_000_000


def compute(ready, stop):
    ready.set()
    while not stop.is_set():
        for _ in range(1000):
            pass


def wait():
    late = []
    for _ in range(WAITS):
        due = time.monotonic_ns() + WAIT_NS
        time.sleep(WAIT_NS / 1e9)
        late.append(time.monotonic_ns() - due)
    return statistics.median(late)


def measure(way):
    context = multiprocessing.get_context("fork")
    makers = {"cpython-thread": (threading.Thread, threading.Event),
              "cpython-process": (context.Process, context.Event)}
    worker, event = makers[way]
    ready, stop = event(), event()
    beside = worker(target=compute, args=(ready, stop))
    beside.start()
    ready.wait()
    try:
        return wait()
    finally:
        stop.set()
        beside.join()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, round(measure(name), 1))
