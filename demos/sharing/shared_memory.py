"""One process writes numbers into a named segment; another process finds them by the name."""
import multiprocessing
import struct
import sys
from multiprocessing import shared_memory

from lesson import end, fact, is_broken, say

COUNT = 1000


def sum_up(name):
    """Runs in a spawned process, which shares no memory with the process that started it."""
    try:
        segment = shared_memory.SharedMemory(name)
    except FileNotFoundError:
        sys.exit(1)
    numbers = struct.unpack(f"{COUNT}d", segment.buf[:8 * COUNT])
    struct.pack_into("d", segment.buf, 0, sum(numbers))  # the result, for the other process
    segment.close()


if __name__ == "__main__":
    segment = shared_memory.SharedMemory(create=True, size=8 * COUNT)
    numbers = [i * 0.5 for i in range(COUNT)]
    struct.pack_into(f"{COUNT}d", segment.buf, 0, *numbers)
    process = multiprocessing.get_context("spawn").Process(
        target=sum_up, args=("nobody" if is_broken() else segment.name,))
    process.start()
    process.join()
    found = struct.unpack_from("d", segment.buf)[0]
    say(f"The sum is {sum(numbers):g} in this process and {found:g} in the other one.")
    fact(found == sum(numbers), "another process finds the 1,000 numbers by name and gets the same sum")
    segment.unlink()
    try:
        shared_memory.SharedMemory(segment.name)
        gone = False
    except FileNotFoundError:
        gone = True
    fact(gone and struct.unpack_from("d", segment.buf, 8)[0] == 0.5,
         "after unlink, the name is gone, but a process that has the memory keeps it")
    segment.close()
    sys.exit(end())
