"""A task with one argument bound in advance, and tasks with two arguments."""
import functools
import multiprocessing
import operator
import sys

from lesson import end, fact, is_broken, say

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        partial = pool.map(operator.pos if is_broken() else functools.partial(operator.add, 10), range(4))
        star = pool.starmap(operator.add, zip(range(4), [10] * 4))
    say(f"one bound: {partial}")
    say(f"pairs:     {star}")
    fact(partial == [10, 11, 12, 13], "10 bound to the first argument: 10 11 12 13")
    fact(star == [10, 11, 12, 13], "pairs of arguments give the same")
    sys.exit(end())
