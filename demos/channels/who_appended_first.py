"""Four processes append their numbers to a list in a manager."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, say

PROCESSES = 4
context = multiprocessing.get_context("fork")


def append(numbers, number, after, done):
    if after:
        after.wait()
    numbers.append(number)
    done.set()


if __name__ == "__main__":
    with context.Manager() as manager:
        numbers = manager.list()
        done = [context.Event() for _ in range(PROCESSES)]
        others = [None] + done[:-1] if is_broken() else done[1:] + [None]  # each waits for the next
        workers = [context.Process(target=append, args=(numbers, i, others[i], done[i]))
                   for i in range(PROCESSES)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        text = " ".join(map(str, numbers))
    say(f"started: 0 1 2 3; in the list: {text}")
    fact(text == "3 2 1 0", "the list is in the order of the requests, not of the starts: 3 2 1 0")
    sys.exit(end())
