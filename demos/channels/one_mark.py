"""One end mark for four consumers: each puts it back for the next one."""
import multiprocessing
import queue as queues
import sys

from lesson import end, fact, is_broken, say

CONSUMERS, COUNT = 4, 100
context = multiprocessing.get_context("fork")


def consume(queue, taken, number):
    while True:
        try:  # the wait times out only in the broken lesson
            item = queue.get(timeout=0.5 if is_broken() else None)
        except queues.Empty:
            return
        if item is None:
            break
        taken[number] += 1
        taken[CONSUMERS + 1 + number] += item
    if not is_broken():
        queue.put(None)
    with taken.get_lock():
        taken[CONSUMERS] += 1


if __name__ == "__main__":
    queue, taken = context.Queue(16), context.Array("i", 2 * CONSUMERS + 1)
    workers = [context.Process(target=consume, args=(queue, taken, i)) for i in range(CONSUMERS)]
    for worker in workers:
        worker.start()
    for item in range(COUNT):
        queue.put(item)
    queue.put(None)
    for worker in workers:
        worker.join()
    say("taken: " + " + ".join(map(str, taken[:CONSUMERS])))
    fact(sum(taken[:CONSUMERS]) == COUNT and sum(taken[CONSUMERS + 1:]) == 4950, "all 100 items were taken, none twice")
    fact(taken[CONSUMERS] == CONSUMERS, "one end mark ended all four consumers")
    sys.exit(end())
