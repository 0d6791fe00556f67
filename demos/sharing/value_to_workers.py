"""A shared value for the workers of a pool: passed at their start, or with each task."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, note, say

context = multiprocessing.get_context("fork")
inherited = None


def store_value(value):
    """Runs in each worker before its first task."""
    global inherited
    inherited = value


def add_one(_):
    with inherited.get_lock():
        inherited.value += 1


def add_to(counter):
    with counter.get_lock():
        counter.value += 1


if __name__ == "__main__":
    counter, other = context.Value("i", 0), context.Value("i", 0)
    given = "four"
    with context.Pool(4, store_value, (other if is_broken() else counter,)) as pool:
        pool.map(add_one, range(4))
        try:
            pool.map(add_to, [counter] * 4)
            given = counter.value
            note("added", given - 4)
        except RuntimeError as error:
            say(f"as an argument of the tasks: {error}")
            given = "refused"
            note("added", 0)
    say(f"by inheritance: {counter.value}")
    fact(counter.value in (4, 8), "four tasks of workers that got the value at their start add 4")
    fact(given in ("refused", 8), "four tasks that get the value as an argument add 4 more, or are refused")
    sys.exit(end())
