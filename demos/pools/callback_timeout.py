"""Waiting for a result with a time limit, and a callback that is called with the result."""
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
        say("After half a second: " + ("it is there" if early else "not yet"))
        go.set()
        result.wait()
        pool.close()
        pool.join()
    say(f"The callback got: {noted[0]}")
    fact(not early, "waiting with a limit of half a second ends in time, without a result")
    fact(noted == [42], "the callback is called with the result: 42")
    sys.exit(end())
