"""A forked child and a spawned child: which values they see, and what they cost compared with a thread."""
import multiprocessing
import statistics
import sys
import threading
import time

from lesson import bars, end, fact, is_broken

number = 1  # the parent sets it to 2


def write_number(seen):
    seen.value = number


def timed(worker):
    start = time.perf_counter()
    worker.start()
    worker.join()
    return time.perf_counter() - start


if __name__ == "__main__":
    number = 2
    ways = {"a thread": [], "a forked child": [], "a spawned child": []}
    seen = {}
    for _ in range(5):
        ways["a thread"].append(timed(threading.Thread(target=lambda: None)))
        for way, method in (("a forked child", "fork"),
                            ("a spawned child", "fork" if is_broken() else "spawn")):
            context = multiprocessing.get_context(method)
            value = context.Value("i", 0)
            ways[way].append(timed(context.Process(target=write_number, args=(value,))))
            seen[way] = value.value
    bars("us", *[(way, 1e6 * statistics.median(times)) for way, times in ways.items()])
    fact(seen["a forked child"] == 2, "a forked child sees the value that its parent had set: 2")
    fact(seen["a spawned child"] == 1, "a spawned child starts with the initial value: 1")
    sys.exit(end())
