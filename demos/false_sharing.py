"""Two processes count in numbers of their own: side by side in memory, and far apart."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus, on_own_cpu, say

# A step reads and writes each of 32 numbers, in one loop of the interpreter's own: a step of Python for each
# would take longer than all that two CPUs do to each other.
NUMBERS, ROUNDS, TIMES = 32, 12, 5000
context = multiprocessing.get_context("fork")


def copy(memory, barrier, spent, number, side_by_side):
    on_own_cpu(number)
    first = number if side_by_side else 4 * NUMBERS * number
    mine = memoryview(memory).cast("B").cast("q")[first:first + 2 * NUMBERS:2]
    left, right = mine[:NUMBERS // 2], mine[NUMBERS // 2:]
    barrier.wait()
    start = time.perf_counter()
    for _ in range(TIMES):
        right[:] = left
        left[:] = right
    spent[number] = time.perf_counter() - start


def cost(side_by_side):
    """ns for each number, where the other's lie between its own, and where they don't."""
    memory = context.RawArray("q", 8 * NUMBERS)
    barrier, spent = context.Barrier(2), context.Array("d", 2, lock=False)
    workers = [context.Process(target=copy, args=(memory, barrier, spent, i, side_by_side)) for i in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 1e9 * sum(spent) / 2 / TIMES / NUMBERS


if __name__ == "__main__":
    need_cpus(2)
    rounds = [(cost(not is_broken()), cost(False)) for _ in range(ROUNDS)]
    near, apart = (statistics.median(column) for column in zip(*rounds))
    ratios = sorted(side / far for side, far in rounds)
    bars("ns a number", ("side by side", near), ("in blocks of their own", apart))
    say(f"side by side takes {statistics.median(ratios):.2g} times as long [{ratios[2]:.2g}, {ratios[-3]:.2g}]")
    # Of twelve rounds the third lowest: where there is no difference, one time in fifty it is above 1.
    measured(ratios[2] > 1,
             "two that share a cache line slow each other down, even if they share no number")
    sys.exit(end())
