"""Data that is sent to another process and back, or shared with it."""
import multiprocessing
import os
import statistics
import sys
import time
from multiprocessing import shared_memory

from lesson import bars, end, is_broken, measured, note

ROUNDS, SIZES = 5, (1000, 100000, 10000000)
context = multiprocessing.get_context("fork")


def serve(mine, shared):
    """Adds 1 to the first byte of each message and sends it back, or adds 1 to the first shared byte."""
    while True:
        data = mine.recv()
        if data is None:
            return
        if shared is None:
            data[0] = (data[0] + 1) % 256
            mine.send(data)
        else:
            shared.buf[0] = (shared.buf[0] + 1) % 256
            mine.send(True)


def cost(here, message):
    start = time.perf_counter()
    here.send(message)
    here.recv()
    return 1e6 * (time.perf_counter() - start)


def written():
    """The bytes that this process has passed to write() so far."""
    with open("/proc/self/io") as counters:
        return int(dict(line.split(": ") for line in counters)["wchar"])


def note_bytes_written_by_a_pool():
    if not os.path.exists("/proc/self/io"):
        return
    with context.Pool(1) as pool:
        pool.apply(len, (b"",))
        before = written()
        pool.apply(len, (bytes(SIZES[-1]),))
        note("written", (written() - before) / SIZES[-1])


if __name__ == "__main__":
    shared = shared_memory.SharedMemory(create=True, size=SIZES[-1])
    spent = {}
    servers = {}
    for way, memory in (("sent", None), ("shared", None if is_broken() else shared)):
        here, there = context.Pipe()
        context.Process(target=serve, args=(there, memory), daemon=True).start()
        servers[way] = here
    for size in SIZES:
        for way, here in servers.items():
            message = True if way == "shared" and not is_broken() else bytearray(size)
            spent[f"{size} bytes, {way}"] = statistics.median(cost(here, message) for _ in range(ROUNDS))
    for here in servers.values():
        here.send(None)
    if not is_broken():
        note_bytes_written_by_a_pool()
    shared.close()
    shared.unlink()
    bars("us", *spent.items())
    measured(spent["10000000 bytes, sent"] > 3 * spent["10000000 bytes, shared"],
         "ten million bytes in shared memory cost far less than sending them there and back")
    sys.exit(end())
