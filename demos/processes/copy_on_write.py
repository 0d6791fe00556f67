"""How much memory a forked child has of its own, after reading and after writing."""
import multiprocessing
import sys

from lesson import bars, end, fact, is_broken

BYTES, PAGE = 32 << 20, 4096
memory = None


def own_mib():
    """Of this process alone."""
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file
                   if line.startswith(("Private_Dirty:", "Private_Clean:"))) / 1024


def read_and_write(told):
    begun = own_mib()
    total = sum(memory[::PAGE])
    told[0] = own_mib() - (0 if is_broken() else begun)
    for i in range(0, BYTES, PAGE):
        memory[i] = total % 256
    told[1] = own_mib() - (0 if is_broken() else begun)


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    told = context.Array("d", 2, lock=False)
    memory = bytearray(b"x") * BYTES
    if is_broken():  # no child: then there is nobody to share with
        read_and_write(told)
    else:
        process = context.Process(target=read_and_write, args=(told,))
        process.start()
        process.join()
    bars("MiB of its own", ("a child that has read 32 MiB", told[0]), ("... and written to them", told[1]))
    fact(told[0] < 16, "a forked child that only reads shares its parent's memory")
    fact(told[1] > 30, "of what it writes to, it gets a copy")
    sys.exit(end())
