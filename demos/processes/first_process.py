"""Starts a child process, waits for it, and reads its exit code."""
import multiprocessing
import os
import sys

from lesson import end, fact, is_broken, say


def child():
    sys.exit(0 if is_broken() else 7)


if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=child, name="Ada")
    process.start()
    say(f"I am process {os.getpid()}; I started {process.name}, which is process {process.pid}.")
    process.join()
    say(f"Its exit code is {process.exitcode}.")
    fact(process.pid != os.getpid(), "the child is another process")
    fact(not process.is_alive(), "it has ended after the join")
    fact(process.exitcode == 7, "the parent reads its exit code: 7")
    sys.exit(end())
