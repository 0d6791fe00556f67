"""A worker is killed in the middle of a task, and the process that waits for the result gets an error."""
import concurrent.futures
import multiprocessing
import os
import signal
import sys
import time

from lesson import end, fact, is_broken, note, say


def crash():
    os.kill(os.getpid(), signal.SIGKILL)


def ask_executor():
    """Whether ProcessPoolExecutor reports it."""
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        pool.submit(int).result()
        start = time.perf_counter()
        try:
            pool.submit(crash).result(timeout=30)
            say("The waiting process gets: nothing went wrong")
            return False
        except concurrent.futures.process.BrokenProcessPool as error:
            note("executor_ms", 1e3 * (time.perf_counter() - start))
            say(f"The waiting process gets: {error}")
            return True


def ask_pool():
    """Whether multiprocessing.Pool reports it. It loses the task: without a time limit this would wait for ever."""
    with context.Pool(2) as pool:
        try:
            pool.apply_async(crash).get(timeout=1)
        except multiprocessing.TimeoutError:
            say("With multiprocessing.Pool, the waiting process gets nothing within a second")
            return False
        except Exception as error:
            say(f"With multiprocessing.Pool, the waiting process gets: {error}")
        return True


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    by_executor, by_pool = ask_executor(), ask_pool()
    note("pool_told", by_pool)
    fact(by_pool if is_broken() else by_executor, "a process that waits for a task of a killed worker gets an error instead of waiting for ever")
    sys.exit(end())
