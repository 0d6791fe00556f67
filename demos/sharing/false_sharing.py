"""Two processes count in numbers of their own: side by side in memory, and far apart."""
import multiprocessing
import os
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus, say

# A step reads and writes each of 32 numbers, in one loop of the interpreter's own: a step of Python for each
# would take longer than all that two CPUs do to each other.
NUMBERS, ROUNDS, TIMES = 32, 12, 5000
context = multiprocessing.get_context("fork")


def on_own_core(number):
    """Else both may begin on one CPU; and two CPUs of one core share its cache."""
    cores = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", encoding="ascii") as file:
            cores.setdefault(file.read(), cpu)
    if len(cores) > number:
        os.sched_setaffinity(0, {list(cores.values())[number]})


def copy(memory, barrier, spent, number, side_by_side):
    on_own_core(number)
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
    spent = {True: [], False: []}
    for i in range(2 * ROUNDS):
        side_by_side = i % 4 in (0, 3)  # each comes first in half of the rounds
        spent[side_by_side].append(cost(side_by_side and not is_broken()))
    near, apart = (statistics.median(spent[which]) for which in (True, False))
    ratios = sorted(side / far for side, far in zip(spent[True], spent[False]))
    bars("ns a number", ("side by side", near), ("in blocks of their own", apart))
    say(f"side by side takes {statistics.median(ratios):.2g} times as long [{ratios[2]:.2g}, {ratios[-3]:.2g}]")
    # Of twelve rounds the third lowest: where there is no difference, one time in fifty it is above 1.
    measured(ratios[2] > 1,
             "two that share a cache line slow each other down, even if they share no number")
    sys.exit(end())
