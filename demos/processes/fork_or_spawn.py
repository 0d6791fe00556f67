"""A child by fork and a fresh image: what each knows, and what each costs beside a thread."""
import multiprocessing
import statistics
import sys
import threading
import time

from lesson import bars, end, fact, is_broken

number = 1  # the parent sets it to 2


def tell(told):
    told.value = number


def timed(worker):
    start = time.perf_counter()
    worker.start()
    worker.join()
    return time.perf_counter() - start


if __name__ == "__main__":
    number = 2
    ways = {"a thread": [], "a child by fork": [], "a fresh image": []}
    told = {}
    for _ in range(5):
        ways["a thread"].append(timed(threading.Thread(target=lambda: None)))
        for way, method in (("a child by fork", "fork"),
                            ("a fresh image", "fork" if is_broken() else "spawn")):
            context = multiprocessing.get_context(method)
            value = context.Value("i", 0)
            ways[way].append(timed(context.Process(target=tell, args=(value,))))
            told[way] = value.value
    bars("us", *[(way, 1e6 * statistics.median(times)) for way, times in ways.items()])
    fact(told["a child by fork"] == 2, "a child by fork knows what its parent had set: 2")
    fact(told["a fresh image"] == 1, "a fresh image begins anew: 1")
    sys.exit(end())
