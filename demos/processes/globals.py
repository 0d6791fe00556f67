"""A child process changes a global variable, and its parent does not see the change."""
import multiprocessing
import sys
import threading

from lesson import end, fact, is_broken, say

number = 1


def change(shared):
    global number
    number = 2
    shared.value = 2


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    shared = context.Value("i", 1, lock=False)
    process = (threading.Thread if is_broken() else context.Process)(target=change, args=(shared,))
    process.start()
    process.join()
    say(f"The child set both to 2. In the parent, the global is {number} and the shared number is {shared.value}.")
    fact(number == 1, "the parent does not see what its child writes to a global variable")
    fact(shared.value == 2, "the parent sees what its child writes to shared memory")
    sys.exit(end())
