"""A task that fails says why, and who waits for it reads that; the others go on."""
import math
import multiprocessing
import sys

from lesson import end, fact, is_broken, say


def take_root(number):
    """Broken, it hides that it can't do it."""
    if number < 0 and not is_broken():
        raise ValueError(f"no square root of {number}")
    return math.sqrt(max(number, 0))


def told(result):
    """What its waiter is told."""
    try:
        result.get()
        return "it says that all is well"
    except ValueError as error:
        return str(error)


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        one = told(pool.apply_async(take_root, (-4,)))
        several = told(pool.map_async(take_root, [1, -4, 9, 16], chunksize=1))
    say(f"one task: {one}")
    say(f"a map: {several}")
    fact(one == "no square root of -4", "who waits for the task reads: no square root of -4")
    fact(several == "no square root of -4", "a map with one bad item fails with that item's error")
    sys.exit(end())
