"""A worker is killed in the middle of a task: who waits for it is told."""
import concurrent.futures
import multiprocessing
import os
import signal
import sys

from lesson import end, fact, is_broken, say


def die():
    if not is_broken():
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    told = False
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        try:
            pool.submit(die).result(timeout=30)
            say("The waiter gets: nothing went wrong")
        except concurrent.futures.process.BrokenProcessPool as error:
            told = True
            say(f"The waiter gets: {error}")
    # multiprocessing.Pool(2).apply(die) would wait for ever.
    fact(told, "who waits for a task whose worker was killed is told, and does not wait for ever")
    sys.exit(end())
