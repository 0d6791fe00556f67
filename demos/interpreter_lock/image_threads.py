"""Computing on two threads that release the interpreter's lock, and on two that hold it."""
import concurrent.futures
import hashlib
import statistics
import sys
import threading
import time

from lesson import bars, end, is_broken, measured, need_cpus

# Not every interpreter has Pillow, so this uses hashlib, which also releases the lock for large data.
ROUNDS, COUNT = 5, 16
DATA = bytes(4 << 20)
lock = threading.Lock()


def releasing(_):
    if is_broken():
        holding(_)
    else:
        hashlib.sha256(DATA).digest()


def holding(_):
    """Like an extension that never releases the lock."""
    with lock:
        hashlib.sha256(DATA).digest()


def timed(run_map, function):
    start = time.perf_counter()
    list(run_map(function, range(COUNT)))
    return time.perf_counter() - start


if __name__ == "__main__":
    need_cpus(2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        rounds = [(timed(map, releasing), timed(pool.map, releasing), timed(pool.map, holding))
                  for _ in range(ROUNDS)]
    released = [one / two for one, two, _ in rounds]
    held = statistics.median(one / two for one, _, two in rounds)
    bars("times", ("one thread", 1), ("two threads, the lock released", statistics.median(released)),
         ("two threads, the lock held", held))
    measured(sorted(released)[-2] > 1.3, "an extension that releases the lock lets two threads compute at once")
    measured(held < 1.2, "an extension that holds it does not")
    sys.exit(end())
