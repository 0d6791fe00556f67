"""Waiting for the first of several tasks, and cancelling those that have not begun."""
import concurrent.futures
import multiprocessing
import sys

from lesson import end, fact, is_broken, say

TASKS = 8
context = multiprocessing.get_context("fork")
begun, go = context.Semaphore(0), context.Event()


def work(waits):
    if waits:
        begun.release()
        go.wait()


if __name__ == "__main__":
    # One worker; with --break, one for each task, so that all have begun.
    with concurrent.futures.ProcessPoolExecutor(TASKS if is_broken() else 1, context) as pool:
        futures = [pool.submit(work, i > 0) for i in range(TASKS)]
        done, _ = concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED)
        for _ in range(TASKS - 1 if is_broken() else 1):
            begun.acquire()  # the second task, or all of them
        second, last = futures[1].cancel(), futures[-1].cancel()
        words = ["cancelled" if one else "can't be cancelled" for one in (second, last)]
        say(f"done after waiting for the first: {len(done)} of {TASKS}")
        say(f"the second, which is running: {words[0]}; the last: {words[1]}")
        go.set()
        concurrent.futures.wait(futures)
    fact(len(done) == 1, "waiting for the first of eight tasks ends when one is done")
    fact(not second and last, "a task that has not begun can be cancelled, a running one can't")
    sys.exit(end())
