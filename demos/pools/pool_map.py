"""A pool of four workers squares the numbers 0 to 9, and the results come in the order of the numbers."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, say

context = multiprocessing.get_context("fork")
others_done, done = context.Event(), context.Value("i", 0)


def square(number):
    """0 waits until all others are done; with --break, until their results have been received too."""
    if number == 0:
        others_done.wait(30)
    else:
        with done.get_lock():
            done.value += 1
            if done.value == 9 and not is_broken():
                others_done.set()
    return number * number


if __name__ == "__main__":
    with context.Pool(4) as pool:
        if is_broken():
            results = []
            for result in pool.imap_unordered(square, range(10)):
                results.append(result)
                if len(results) == 9:
                    others_done.set()
        else:
            results = pool.map(square, range(10), chunksize=1)
    text = " ".join(map(str, results))
    say(f"the 0 was done last; the results: {text}")
    fact(text == "0 1 4 9 16 25 36 49 64 81", "the results are in order: 0 1 4 9 16 25 36 49 64 81")
    sys.exit(end())
