"""A pool of four workers squares the numbers 0 to 9, and the results come in the order of the numbers."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, say


def square(number):
    return number * number


if __name__ == "__main__":
    numbers = range(9, -1, -1) if is_broken() else range(10)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        text = " ".join(map(str, pool.map(square, numbers)))
    say(text)
    fact(text == "0 1 4 9 16 25 36 49 64 81", "the results are in order: 0 1 4 9 16 25 36 49 64 81")
    sys.exit(end())
