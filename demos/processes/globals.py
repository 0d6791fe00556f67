"""A child writes to a global variable, and its parent does not see it."""
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
    say(f"It has set both to 2. Here the global is {number}, the shared one {shared.value}.")
    fact(number == 1, "what a child writes to a global is not seen in its parent")
    fact(shared.value == 2, "what it writes to shared memory is seen")
    sys.exit(end())
