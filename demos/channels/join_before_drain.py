"""A process joins a producer before it takes the producer's messages from the queue."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, note, say

MESSAGES, BYTES = 20, 50000
context = multiprocessing.get_context("fork")


def produce(queue):
    for _ in range(MESSAGES):
        queue.put(bytes(1 if is_broken() else BYTES))  # the queue's pipe holds about 64 KiB


if __name__ == "__main__":
    queue = context.Queue()
    process = context.Process(target=produce, args=(queue,))
    process.start()
    process.join(30 if is_broken() else 0.5)
    early = not process.is_alive()
    note("stuck", not early)
    say("Joined before any message was taken: the producer has " + ("ended" if early else "not ended"))
    taken = [queue.get() for _ in range(MESSAGES)]
    process.join(30)
    late = not process.is_alive()
    say(f"After {len(taken)} messages were taken: the producer has " + ("ended" if late else "not ended"))
    fact(not early, "a producer with messages left to put does not end before somebody takes messages")
    fact(late and len(taken) == MESSAGES, "drain first, then join: all 20 messages arrived, and the producer ended")
    sys.exit(end())
