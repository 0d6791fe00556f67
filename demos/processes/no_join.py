"""A program ends without joining its children: one that is a daemon, and one that is not."""
import multiprocessing
import os
import sys
import time

from lesson import end, fact, is_broken, say

context = multiprocessing.get_context("fork")


def is_daemon(number):
    return number == 1 or is_broken()


def work(begun, finished, number):
    begun.set()
    # It is in the middle of its work when the program ends; who is to be ended has long to go.
    time.sleep(10 if is_daemon(number) else 0.1)
    finished[number] = 1


def program(begun, finished, number):
    """Starts a child, and ends while that works."""
    context.Process(target=work, args=(begun, finished, number),
                    daemon=is_daemon(number)).start()
    begun.wait()


if __name__ == "__main__":
    finished = context.Array("i", 2, lock=False)
    for number in range(2):
        process = context.Process(target=program, args=(context.Event(), finished, number))
        process.start()
        process.join()
    words = ["yes" if done else "no" for done in finished]
    say(f"the child has finished its work: {words[0]}; the daemon: {words[1]}")
    fact(finished[0], "a child that nobody joined is waited for when its program ends")
    fact(not finished[1], "a daemon is not: it is ended")
    sys.exit(end())
