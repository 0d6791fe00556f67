"""Numbers that one process writes into a named segment, and another one finds by the name."""
import multiprocessing
import struct
import sys
from multiprocessing import shared_memory

from lesson import end, fact, is_broken, say

COUNT = 1000


def sum_up(name):
    """In a fresh image, which has no memory in common with the one that started it."""
    try:
        segment = shared_memory.SharedMemory(name)
    except FileNotFoundError:
        sys.exit(1)
    numbers = struct.unpack(f"{COUNT}d", segment.buf[:8 * COUNT])
    struct.pack_into("d", segment.buf, 0, sum(numbers))  # for who reads it next
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
    say(f"The sum here is {sum(numbers):g}, the other process found {found:g}.")
    fact(found == sum(numbers), "1,000 numbers, found by name in another process, have the same sum")
    segment.unlink()
    try:
        shared_memory.SharedMemory(segment.name)
        gone = False
    except FileNotFoundError:
        gone = True
    fact(gone and struct.unpack_from("d", segment.buf, 8)[0] == 0.5,
         "unlinked: the name is gone, the memory stays for who has it")
    segment.close()
    sys.exit(end())
