"""How many items does imap take from its source before the first result is received?"""
import itertools
import multiprocessing
import sys
import threading
import time

from lesson import end, fact, is_broken, note, say

COUNT, PLAIN, AHEAD = 100000, 10000, 8
room = threading.Semaphore(AHEAD)
asked = 0
enough = False


def items():
    global asked
    for number in range(2000 if is_broken() else COUNT):
        if not is_broken():
            room.acquire()  # or the thread of the pool would take all of them at once
        if enough:
            return
        asked += 1
        yield number


def square(number):
    return number * number


def drain(results):
    """Ending a Pool while a worker waits to send its result may hang."""
    for _ in results:
        pass


def note_how_far_it_reads():
    """Notes how many items are taken without the semaphore, though only one result is received."""
    made = 0

    def plain():
        nonlocal made
        for number in range(PLAIN):
            made += 1
            yield number

    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.imap(square, plain())
        next(results)
        limit = time.monotonic() + 5
        while made < PLAIN and time.monotonic() < limit:
            time.sleep(0.01)
        note("made", made)
        say(f"Without the semaphore: {made} of {PLAIN}, though one result was received.")
        drain(results)


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.imap(square, items())
        next(results)
        if is_broken():
            list(itertools.islice(results, 500))
        at_first = asked
        say(f"Of {COUNT} items {at_first} were made when the first result was received.")
        total = 0
        for _ in range(0 if is_broken() else 1000):
            room.release()
            total += next(results)
        enough = True
        room.release()
        drain(results)
    if not is_broken():
        note_how_far_it_reads()
    fact(at_first <= 4 * AHEAD, "few items are made before the first result is received")
    fact(total == 333833500, "the next 1,000 squares are correct and in order: 333833500")
    sys.exit(end())
