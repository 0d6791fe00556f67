"""A producer is waited for before anybody takes what it puts."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, note, say

MESSAGES, BYTES = 20, 50000
context = multiprocessing.get_context("fork")


def produce(queue):
    for _ in range(MESSAGES):
        queue.put(bytes(1 if is_broken() else BYTES))  # the pipe below it holds some 64 KiB


if __name__ == "__main__":
    queue = context.Queue()
    process = context.Process(target=produce, args=(queue,))
    process.start()
    process.join(30 if is_broken() else 0.5)
    early = not process.is_alive()
    note("stuck", not early)
    say("Joined before anything was taken: " + ("it has ended" if early else "it has not ended"))
    taken = [queue.get() for _ in range(MESSAGES)]
    process.join(30)
    late = not process.is_alive()
    say(f"After {len(taken)} messages were taken: " + ("it has ended" if late else "it has not ended"))
    fact(not early, "a producer that still has something to put does not end before somebody takes")
    fact(late and len(taken) == MESSAGES, "drain first, then join: all 20 messages, and it has ended")
    sys.exit(end())
