"""The error of a failed task reaches the process that waits for it; other tasks continue."""
import math
import multiprocessing
import sys

from lesson import end, fact, is_broken, say


def take_root(number):
    """With --break it hides the error."""
    if number < 0 and not is_broken():
        raise ValueError(f"no square root of {number}")
    return math.sqrt(max(number, 0))


def error_of(result):
    """The text of the error, if there is one."""
    try:
        result.get()
        return "no error"
    except ValueError as error:
        return str(error)


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        one = error_of(pool.apply_async(take_root, (-4,)))
        several = error_of(pool.map_async(take_root, [1, -4, 9, 16], chunksize=1))
    say(f"one task: {one}")
    say(f"a map: {several}")
    fact(one == "no square root of -4", "the error reaches the process that waits: no square root of -4")
    fact(several == "no square root of -4", "a map with one bad item fails with the error of that item")
    sys.exit(end())
