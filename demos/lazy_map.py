"""How many items does imap take from its source before the first result is looked at?"""
import itertools
import multiprocessing
import sys
import threading

from lesson import end, fact, is_broken, say

COUNT, AHEAD = 100000, 8
room = threading.Semaphore(AHEAD)
asked = 0
enough = False


def items():
    global asked
    for number in range(2000 if is_broken() else COUNT):
        if not is_broken():
            room.acquire()  # or Pool's thread would take them all at once
        if enough:
            return
        asked += 1
        yield number


def square(number):
    return number * number


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.imap(square, items())
        next(results)
        if is_broken():
            list(itertools.islice(results, 500))
        at_first = asked
        say(f"Of {COUNT} items {at_first} were made when the first result was there.")
        total = 0
        for _ in range(0 if is_broken() else 1000):
            room.release()
            total += next(results)
        enough = True
        room.release()
    fact(at_first <= 4 * AHEAD, "few items are made before the first result is looked at")
    fact(total == 333833500, "the next 1,000 squares are right and in order: 333833500")
    sys.exit(end())
