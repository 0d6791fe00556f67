"""Several processes write to one log: each line is whole, with the name and id of its process."""
import logging
import multiprocessing
import os
import re
import sys
import tempfile

from lesson import end, fact, is_broken, say

WORKERS, LINES = 4, 25
context = multiprocessing.get_context("fork")
halves = context.Barrier(WORKERS)  # broken: all processes have written half a line


def work(path):
    """Broken: writes each line in two pieces, so that the processes' lines get mixed up."""
    if is_broken():
        write_in_pieces(path)
        return
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(processName)s[%(process)d] %(message)s"))
    log = logging.getLogger()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    for i in range(LINES):
        log.info("task %d", i)


def write_in_pieces(path):
    with open(path, "ab", buffering=0) as file:
        for i in range(LINES):
            file.write(f"{multiprocessing.current_process().name}[{os.getpid()}]".encode())
            halves.wait(30)
            file.write(f" task {i}\n".encode())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        workers = [context.Process(target=work, args=(path,)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        with open(path) as file:
            lines = file.read().splitlines()
    for line in lines[:3]:
        say(line)
    say("…")
    whole = [line for line in lines if len(re.findall(r"Process-\d+\[\d+\] task \d+$", line)) == 1
             and line.count("Process-") == 1]
    fact(len(whole) == len(lines) == WORKERS * LINES,
         "four processes write to one log: 100 lines, all whole, each with its process's name and id")
    sys.exit(end())
