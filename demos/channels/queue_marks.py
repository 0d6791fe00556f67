"""A producer, three consumers, and how these know that nothing more will come: an end mark for each."""
import multiprocessing
import queue as queues
import sys

from lesson import end, fact, is_broken, say

CONSUMERS, COUNT = 3, 1000
context = multiprocessing.get_context("fork")


def consume(queue, taken):
    while True:
        try:  # broken, one would wait for a mark for ever
            number = queue.get(timeout=0.5 if is_broken() else None)
        except queues.Empty:
            return
        if number is None:  # the mark
            with taken.get_lock():
                taken[COUNT] += 1
            return
        taken[number] += 1  # it alone has this number


if __name__ == "__main__":
    queue = context.Queue(64)
    taken = context.Array("i", COUNT + 1)
    workers = [context.Process(target=consume, args=(queue, taken)) for _ in range(CONSUMERS)]
    for worker in workers:
        worker.start()
    for number in range(COUNT):
        queue.put(number)
    for _ in range(1 if is_broken() else CONSUMERS):
        queue.put(None)
    for worker in workers:  # returns: each has found its mark
        worker.join()
    once = sum(times == 1 for times in taken[:COUNT])
    say(f"{COUNT} numbers were put, {once} were taken once; {taken[COUNT]} of {CONSUMERS} consumers found a mark.")
    fact(once == COUNT, "each of 1000 numbers was taken once, by one of three consumers")
    fact(taken[COUNT] == CONSUMERS, "each consumer found its own end mark")
    sys.exit(end())
