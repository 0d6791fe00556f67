"""Two processes each increment their own numbers: side by side in memory, and far apart."""
import multiprocessing
import os
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus, say

# A step copies 32 numbers in one call: with a Python statement for each number, the interpreter would take
# longer than the cache line needs to move between the CPUs.
NUMBERS, ROUNDS, TIMES = 32, 12, 5000
context = multiprocessing.get_context("fork")


def on_own_core(number):
    """Otherwise both may start on one CPU, or on two CPUs of one core, which share its cache."""
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
    """The ns for each number. side_by_side: the two processes' numbers alternate in memory."""
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
        side_by_side = i % 4 in (0, 3)  # each way comes first in half of the rounds
        spent[side_by_side].append(cost(side_by_side and not is_broken()))
    near, apart = (statistics.median(spent[which]) for which in (True, False))
    ratios = sorted(side / far for side, far in zip(spent[True], spent[False]))
    bars("ns a number", ("side by side", near), ("in separate blocks", apart))
    say(f"side by side, a step takes {statistics.median(ratios):.2g} times as long [{ratios[2]:.2g}, {ratios[-3]:.2g}]")
    # The third lowest of twelve ratios: if there is no difference, it is above 1 one time in fifty.
    measured(ratios[2] > 1,
             "two processes that write to the same cache line slow each other down, even if they share no number")
    sys.exit(end())
