"""The same amount of data, sent as bytes and as a list of dicts."""
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured

RECORDS, ROUNDS = 2000, 9
context = multiprocessing.get_context("fork")


def serve(mine):
    while True:
        data = mine.recv()
        if data is None:
            return
        mine.send(data)


def cost(here, data):
    start = time.perf_counter()
    here.send(data)
    here.recv()
    return 1e6 * (time.perf_counter() - start)


if __name__ == "__main__":
    records = [{"id": i, "name": "record", "value": i / 2} for i in range(RECORDS)]
    flat = bytes(40 * RECORDS)
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,))
    process.start()
    rounds = [(cost(here, flat if is_broken() else records), cost(here, flat)) for _ in range(ROUNDS)]
    here.send(None)
    process.join()
    nested, whole = (statistics.median(column) for column in zip(*rounds))
    bars("us", ("80,000 bytes in one piece", whole), ("as 2,000 dicts", nested))
    measured(nested > 1.5 * whole,
         "packing and unpacking structures costs more than copying their bytes")
    sys.exit(end())
