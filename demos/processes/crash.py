"""A worker is killed in the middle of a task: who waits for it is told."""
import concurrent.futures
import multiprocessing
import os
import signal
import sys
import time

from lesson import end, fact, is_broken, note, say


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def ask_executor():
    """Whether it told."""
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        pool.submit(int).result()
        start = time.perf_counter()
        try:
            pool.submit(die).result(timeout=30)
            say("The waiter gets: nothing went wrong")
            return False
        except concurrent.futures.process.BrokenProcessPool as error:
            note("executor_ms", 1e3 * (time.perf_counter() - start))
            say(f"The waiter gets: {error}")
            return True


def ask_pool():
    """multiprocessing.Pool starts a new worker, and loses the task: without a limit one would wait for ever. Whether it told."""
    with context.Pool(2) as pool:
        try:
            pool.apply_async(die).get(timeout=1)
        except multiprocessing.TimeoutError:
            say("The waiter of a multiprocessing.Pool gets nothing, within a second")
            return False
        except Exception as error:
            say(f"The waiter of a multiprocessing.Pool gets: {error}")
        return True


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    by_executor, by_pool = ask_executor(), ask_pool()
    note("pool_told", by_pool)
    fact(by_pool if is_broken() else by_executor, "who waits for a task whose worker was killed is told, and does not wait for ever")
    sys.exit(end())
