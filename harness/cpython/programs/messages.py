"""Measures the cost of a message through multiprocessing.Queue from one process to another.

    messages.py SIZE...    prints a line "SIZE NS" for each SIZE: bytes per message, ns per message
"""

import multiprocessing
import sys
import time

BYTES = 8 << 20  # all messages of a size together
COUNT_MOST = 300
COUNT_LEAST = 8


def consume(queue, count, ends):
    queue.get()  # the first message: this process has started
    ends.send("ready")
    for _ in range(count):
        queue.get()
    ends.send(time.monotonic_ns())


def measure(size):
    count = max(COUNT_LEAST, min(COUNT_MOST, BYTES // size))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    ends, its = context.Pipe(duplex=False)
    process = context.Process(target=consume, args=(queue, count, its))
    process.start()
    message = bytes(size)
    queue.put(message)
    ends.recv()
    start = time.monotonic_ns()
    for _ in range(count):
        queue.put(message)
    end = ends.recv()
    process.join()
    return (end - start) / count


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(argument, round(measure(int(argument)), 1))
