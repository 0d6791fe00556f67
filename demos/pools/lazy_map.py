"""How many items does imap take from its source before the first result is looked at?"""
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
            room.acquire()  # or Pool's thread would take them all at once
        if enough:
            return
        asked += 1
        yield number


def square(number):
    return number * number


def drain(results):
    """A Pool that is ended while a worker waits for room for its result may hang."""
    for _ in results:
        pass


def note_how_far_it_reads():
    """Without the semaphore: how many items it takes though only one result is taken."""
    made = 0

    def plain():
        nonlocal made
        for number in range(PLAIN):
            made += 1
            yield number

    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.imap(square, plain())
        next(results)
        patience = time.monotonic() + 5
        while made < PLAIN and time.monotonic() < patience:
            time.sleep(0.01)
        note("made", made)
        say(f"Without it: {made} of {PLAIN}, though one result was taken.")
        drain(results)


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
        drain(results)
    if not is_broken():
        note_how_far_it_reads()
    fact(at_first <= 4 * AHEAD, "few items are made before the first result is looked at")
    fact(total == 333833500, "the next 1,000 squares are right and in order: 333833500")
    sys.exit(end())
