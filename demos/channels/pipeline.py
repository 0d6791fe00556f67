"""A producer, four consumers that count primes, and a collector that sorts their results."""
import multiprocessing
import queue as queues
import sys

from lesson import end, fact, is_broken, say

TASKS, CONSUMERS, STEP = 50, 4, 10000
context = multiprocessing.get_context("fork")
full, room = context.Event(), context.Value("i", 0)


def count_primes(start):
    sieve = bytearray([1]) * (start + STEP)
    for n in range(2, int((start + STEP) ** 0.5) + 1):
        if sieve[n]:
            sieve[n * n::n] = bytes(len(range(n * n, start + STEP, n)))
    return sum(sieve[start:])


def produce(tasks):
    for i in range(1, TASKS + 1):
        try:
            tasks.put_nowait(i * STEP)
        except queues.Full:
            if not full.is_set():
                room.value = i - 1
            full.set()
            tasks.put(i * STEP)  # waits for room
    for _ in range(0 if is_broken() else CONSUMERS):
        tasks.put(None)


def consume(number, tasks, results):
    full.wait(0 if is_broken() else 30)  # starts late on purpose
    while True:
        try:  # the wait times out only in the broken lesson: it has no end marks
            task = tasks.get(timeout=0.5 if is_broken() else None)
        except queues.Empty:
            return
        if task is None:
            results.put(None)
            return
        results.put((task, number, count_primes(task)))


if __name__ == "__main__":
    tasks, results = context.Queue(TASKS if is_broken() else 20), context.Queue()
    workers = [context.Process(target=produce, args=(tasks,))]
    workers += [context.Process(target=consume, args=(i, tasks, results)) for i in range(CONSUMERS)]
    for worker in workers:
        worker.start()
    done, ends = [], 0
    while ends < CONSUMERS:
        try:
            result = results.get(timeout=1 if is_broken() else 30)
        except queues.Empty:
            break
        if result is None:
            ends += 1
        else:
            done.append(result)
    for worker in workers:
        worker.join()
    done.sort()
    primes = sum(count for _, _, count in done)
    say(f"{len(done)} results, {primes} primes, {ends} consumers reported that they had finished")
    ordered = [task for task, _, _ in done] == [i * STEP for i in range(1, TASKS + 1)]
    fact(room.value == 20, "the producer put 20 tasks and then had to wait for room")
    fact(ordered and primes == 41062, "50 results in order, 41062 primes in all")
    fact(ends == CONSUMERS, "each of four consumers reported that it had finished")
    sys.exit(end())
