"""How much private memory a forked child has, after reading its parent's data and after writing to it."""
import multiprocessing
import sys

from lesson import bars, end, fact, is_broken

BYTES, PAGE = 32 << 20, 4096
memory = None


def own_mib():
    """The private memory of this process, in MiB."""
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file
                   if line.startswith(("Private_Dirty:", "Private_Clean:"))) / 1024


def read_and_write(shared):
    begun = own_mib()
    total = sum(memory[::PAGE])
    shared[0] = own_mib() - (0 if is_broken() else begun)
    for i in range(0, BYTES, PAGE):
        memory[i] = total % 256
    shared[1] = own_mib() - (0 if is_broken() else begun)


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    shared = context.Array("d", 2, lock=False)
    memory = bytearray(b"x") * BYTES
    if is_broken():  # without a child, no memory is shared
        read_and_write(shared)
    else:
        process = context.Process(target=read_and_write, args=(shared,))
        process.start()
        process.join()
    bars("MiB of private memory", ("a child that has read 32 MiB", shared[0]), ("... and written to it", shared[1]))
    fact(shared[0] < 16, "a forked child that only reads shares its parent's memory")
    fact(shared[1] > 30, "it gets its own copy of the memory that it writes to")
    sys.exit(end())
