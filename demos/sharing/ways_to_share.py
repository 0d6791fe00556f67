"""One number to another process and back: in shared memory, by a queue, by a pipe, by a manager."""
import multiprocessing
import os
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, note

TRIPS, WARM, ROUNDS = 100, 10, 9
context = multiprocessing.get_context("fork")


def answer(way, desk):
    """The other process: gives back what comes, so many times."""
    for _ in range(WARM + TRIPS):
        if way == "value":
            desk["told"].acquire()
            desk["value"].value += 1
            desk["answered"].release()
        elif way == "pipe":
            desk["far"].send(desk["far"].recv())
        else:
            there, back = desk[way]
            back.put(there.get())


def trip(way, desk, i):
    if way == "value":
        desk["value"].value = i
        desk["told"].release()
        desk["answered"].acquire()
    elif way == "pipe":
        desk["near"].send(i)
        desk["near"].recv()
    else:
        there, back = desk[way]
        there.put(i)
        back.get()


def cost(way, desk):
    """us there and back."""
    process = context.Process(target=answer, args=(way, desk))
    process.start()
    for i in range(WARM + TRIPS):
        if i == WARM:  # it is there then
            start = time.perf_counter()
        trip(way, desk, i)
    spent = 1e6 * (time.perf_counter() - start) / TRIPS
    process.join()
    return spent


if __name__ == "__main__":
    # On one CPU whoever waits sleeps, and waking costs the same each time.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    near, far = context.Pipe()
    with context.Manager() as manager:
        desk = {"value": context.Value("i", 0, lock=False), "told": context.Semaphore(0),
                "answered": context.Semaphore(0), "near": near, "far": far,
                "queue": (context.Queue(), context.Queue()), "manager": (manager.Queue(), manager.Queue())}
        names = {"value": "a value and two semaphores", "queue": "two queues", "pipe": "a pipe",
                 "manager": "a manager's queues"}
        rounds = [{way: cost("manager" if is_broken() else way, desk) for way in names} for _ in range(ROUNDS)]
    spent = {way: statistics.median(one[way] for one in rounds) for way in names}
    next_best = min(("queue", "pipe"), key=spent.get)
    note("value", *[one[next_best] / one["value"] for one in rounds])
    note("pipe", *[one["queue"] / one["pipe"] for one in rounds])
    bars("us there and back", *[(names[way], us) for way, us in spent.items()])
    measured(spent["manager"] > 1.5 * spent["value"], "through a manager it takes longest")
    sys.exit(end())
