"""A producer and three consumers. An end mark for each consumer says that no more messages will come."""
import multiprocessing
import queue as queues
import sys

from lesson import end, fact, is_broken, say

CONSUMERS, COUNT = 3, 1000
context = multiprocessing.get_context("fork")


def consume(queue, taken):
    while True:
        try:  # broken: without a timeout, consumers would wait for a mark for ever
            number = queue.get(timeout=0.5 if is_broken() else None)
        except queues.Empty:
            return
        if number is None:  # the mark
            with taken.get_lock():
                taken[COUNT] += 1
            return
        taken[number] += 1  # no other consumer has this number


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
    for worker in workers:  # returns when each consumer has found its mark
        worker.join()
    once = sum(times == 1 for times in taken[:COUNT])
    say(f"{COUNT} numbers were put, {once} were taken once; {taken[COUNT]} of {CONSUMERS} consumers found a mark.")
    fact(once == COUNT, "each of 1000 numbers was taken exactly once, by one of three consumers")
    fact(taken[COUNT] == CONSUMERS, "each consumer found its own end mark")
    sys.exit(end())
