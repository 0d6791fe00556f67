"""Two processes count in numbers of their own: side by side in memory, and far apart."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, fact, is_broken, need_cpus, say

# A step is nothing but writing 8 bytes to memory, again and again.
ROUNDS, TIMES = 5, 300000
context = multiprocessing.get_context("fork")


def write(memory, barrier, spent, number, place):
    view = memoryview(memory).cast("B")[place:place + 8]
    words = bytes(8)
    barrier.wait()
    start = time.perf_counter()
    for _ in range(TIMES):
        view[:] = words
    spent[number] = time.perf_counter() - start


def cost(*places):
    memory = context.RawArray("b", 1024)
    barrier, spent = context.Barrier(2), context.Array("d", 2, lock=False)
    workers = [context.Process(target=write, args=(memory, barrier, spent, i, place))
               for i, place in enumerate(places)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 1e9 * sum(spent) / 2 / TIMES


if __name__ == "__main__":
    need_cpus(2)
    rounds = [(cost(256, 512 if is_broken() else 264), cost(256, 512)) for _ in range(ROUNDS)]
    near, apart = (statistics.median(column) for column in zip(*rounds))
    bars("ns a step", ("side by side", near), ("256 bytes apart", apart))
    say(f"side by side takes {near / apart:.2g} times as long")
    fact(near > 1.2 * apart,
         "two that share a cache line slow each other down, even if they share no number")
    sys.exit(end())
