"""One number handed from process to process: in shared memory, by a queue, by a pipe, by a manager."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, fact, is_broken

TIMES, ROUNDS = 300, 5
context = multiprocessing.get_context("fork")


def cost(way):
    """us each time."""
    start = time.perf_counter()
    for i in range(TIMES):
        way(i)
    return 1e6 * (time.perf_counter() - start) / TIMES


if __name__ == "__main__":
    value, queue = context.Value("i", 0), context.Queue()
    here, there = context.Pipe()
    with context.Manager() as manager:
        managed = manager.Value("i", 0)

        def by_value(i):
            with value.get_lock():
                value.value = i

        def by_queue(i):
            queue.put(i)
            queue.get()

        def by_pipe(i):
            here.send(i)
            there.recv()

        def by_manager(i):
            managed.value = i

        ways = {"a value and its lock": by_value, "a message by a queue": by_queue,
                "a message by a pipe": by_pipe, "a manager's value": by_manager}
        spent = {name: statistics.median(cost(by_manager if is_broken() else way) for _ in range(ROUNDS))
                 for name, way in ways.items()}
    bars("us", *spent.items())
    fact(spent["a manager's value"] > 3 * spent["a value and its lock"],
         "a manager costs many times what a value in shared memory costs")
    sys.exit(end())
