"""Sends a number to another process and back: in shared memory, by queues, by a pipe, by a manager."""
import multiprocessing
import os
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, note

TRIPS, WARM, ROUNDS = 100, 10, 9
context = multiprocessing.get_context("fork")


def answer(way, shared):
    """The other process: answers each number, WARM + TRIPS times."""
    for _ in range(WARM + TRIPS):
        if way == "value":
            shared["asked"].acquire()
            shared["value"].value += 1
            shared["answered"].release()
        elif way == "pipe":
            shared["far"].send(shared["far"].recv())
        else:
            there, back = shared[way]
            back.put(there.get())


def trip(way, shared, i):
    if way == "value":
        shared["value"].value = i
        shared["asked"].release()
        shared["answered"].acquire()
    elif way == "pipe":
        shared["near"].send(i)
        shared["near"].recv()
    else:
        there, back = shared[way]
        there.put(i)
        back.get()


def cost(way, shared):
    """The µs of one round trip."""
    process = context.Process(target=answer, args=(way, shared))
    process.start()
    for i in range(WARM + TRIPS):
        if i == WARM:  # the other process has started
            start = time.perf_counter()
        trip(way, shared, i)
    spent = 1e6 * (time.perf_counter() - start) / TRIPS
    process.join()
    return spent


if __name__ == "__main__":
    # On one CPU, a process that waits always sleeps, and waking it always costs the same.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    near, far = context.Pipe()
    with context.Manager() as manager:
        shared = {"value": context.Value("i", 0, lock=False), "asked": context.Semaphore(0),
                "answered": context.Semaphore(0), "near": near, "far": far,
                "queue": (context.Queue(), context.Queue()), "manager": (manager.Queue(), manager.Queue())}
        names = {"value": "a value and two semaphores", "queue": "two queues", "pipe": "a pipe",
                 "manager": "a manager's queues"}
        rounds = [{way: cost("manager" if is_broken() else way, shared) for way in names} for _ in range(ROUNDS)]
    spent = {way: statistics.median(one[way] for one in rounds) for way in names}
    next_best = min(("queue", "pipe"), key=spent.get)
    note("value", *[one[next_best] / one["value"] for one in rounds])
    note("pipe", *[one["queue"] / one["pipe"] for one in rounds])
    bars("us a round trip", *[(names[way], us) for way, us in spent.items()])
    measured(spent["manager"] > 1.5 * spent["value"], "the way through a manager takes longest")
    sys.exit(end())
