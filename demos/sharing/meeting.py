"""A barrier, at which all wait for the last process, and a condition, which waits until something is true."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, say

WORKERS = 3
context = multiprocessing.get_context("fork")
part, added = context.Array("i", WORKERS, lock=False), context.Array("i", WORKERS, lock=False)
barrier, read = context.Barrier(WORKERS), context.Event()
more, stock = context.Condition(), context.Value("i", 0, lock=False)


def work(number):
    """The last worker is late: without the barrier, worker 0 adds before that one has written."""
    if number == WORKERS - 1:
        read.wait(0.2)
    part[number] = number + 1
    if not is_broken():
        barrier.wait(30)
    added[number] = sum(part)
    if number == 0:
        read.set()


def supply():
    """Adds three items to the stock, one by one."""
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
    say(f"the sums of the numbers 1, 2 and 3: {' '.join(map(str, added))}")
    fact(list(added) == [6, 6, 6], "after the barrier, each worker sees all three numbers: 6 6 6")
    supplier = context.Process(target=supply)
    with more:
        supplier.start()
        if not is_broken():
            more.wait_for(lambda: stock.value >= 3, 30)
        seen = stock.value
    supplier.join()
    say(f"stock: {seen}")
    fact(seen == 3, "a process that waits for a stock of three continues when the stock is three")
    sys.exit(end())
