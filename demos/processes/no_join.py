"""A program ends without joining its child: once the child is a daemon, once it is not."""
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
    # The program ends during this work. The daemon's work takes so long that it can't finish first.
    time.sleep(10 if is_daemon(number) else 0.1)
    finished[number] = 1


def program(begun, finished, number):
    """Starts a child and ends while the child is working."""
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
    say(f"Has the child finished its work? {words[0]}. And the daemon? {words[1]}.")
    fact(finished[0], "a program that ends waits for a child that it has not joined")
    fact(not finished[1], "it does not wait for a daemon, but terminates it")
    sys.exit(end())
