"""A result that is asked for with a time limit, and a callback that brings it when it is there."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, say

context = multiprocessing.get_context("fork")
go = context.Event()
noted = []


def answer():
    go.wait()
    return 42


if __name__ == "__main__":
    if is_broken():
        go.set()
    with context.Pool(1) as pool:
        result = pool.apply_async(answer, callback=noted.append)
        try:
            result.get(timeout=30 if is_broken() else 0.5)
            early = True
        except multiprocessing.TimeoutError:
            early = False
        say("After half a second: " + ("there it is" if early else "not yet"))
        go.set()
        result.wait()
        pool.close()
        pool.join()
    say(f"The callback got: {noted[0]}")
    fact(not early, "who waits for half a second gets back in time, without a result")
    fact(noted == [42], "the callback brings it as soon as it is there: 42")
    sys.exit(end())
