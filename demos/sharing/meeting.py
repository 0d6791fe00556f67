"""A barrier, where all wait for the last one, and a condition, where one waits until something holds."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, say

WORKERS = 3
context = multiprocessing.get_context("fork")
part, added = context.Array("i", WORKERS, lock=False), context.Array("i", WORKERS, lock=False)
barrier, read = context.Barrier(WORKERS), context.Event()
more, stock = context.Condition(), context.Value("i", 0, lock=False)


def work(number):
    """The last worker is late: without the barrier the first one has added up by then."""
    if number == WORKERS - 1:
        read.wait(0.2)
    part[number] = number + 1
    if not is_broken():
        barrier.wait(30)
    added[number] = sum(part)
    if number == 0:
        read.set()


def supply():
    """Puts one after the other into the stock."""
    for _ in range(3):
        with more:
            stock.value += 1
            more.notify_all()


if __name__ == "__main__":
    workers = [context.Process(target=work, args=(i,)) for i in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    say(f"each adds up all parts, 1, 2 and 3: {' '.join(map(str, added))}")
    fact(list(added) == [6, 6, 6], "after the barrier each sees what all have written: 6 6 6")
    supplier = context.Process(target=supply)
    with more:
        supplier.start()
        if not is_broken():
            more.wait_for(lambda: stock.value >= 3, 30)
        there = stock.value
    supplier.join()
    say(f"stock: {there}")
    fact(there == 3, "who waits for a stock of three goes on at three")
    sys.exit(end())
