"""Runs the Python versions of forkbench's kernels, controlled by a harness of forkbench.

    peer.py single|thread|process|forkserver|spawn|pool WORKERS

Reads one job per line from standard input, as JSON: {"kernel", "parameters", "chunk"}. Answers with a
line of JSON: {"bytes": N}, followed by the N bytes of all results as the kernel's C structs, or
{"error": "why"}. Exits at the end of its input.

The Python version of a kernel is a module in this folder with
    plan(parameters)    returns the items, a list of picklable objects
    work(item)          returns one item's result as bytes, in the layout of the kernel's C struct
"""
import atexit
import concurrent.futures
import ctypes
import importlib
import json
import multiprocessing
import multiprocessing.connection
import os
import random
import signal
import sys
import threading

KERNELS = ("divisors", "primes", "fib", "text", "logs", "sleep", "mixed", "download", "resize")


_barrier = None
_pool = None  # kept: an executor collected while Python exits races with its own shutdown


def exit_with(interpreter):
    """Exits when the interpreter does."""
    multiprocessing.connection.wait([interpreter])
    os._exit(1)


def begin(parent, barrier):
    """Initializes a worker so that it ends when the interpreter is killed.

    The parent of a fork server's worker is the server, which does not end before its workers."""
    global _barrier
    _barrier = barrier
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent and os.getppid() != parent:  # it ended before prctl took effect
        os._exit(1)
    if not parent:
        interpreter = multiprocessing.parent_process().sentinel
        threading.Thread(target=exit_with, args=(interpreter,), daemon=True).start()


def meet(_):
    """Returns when all workers have called it, so all have started."""
    _barrier.wait(60)


def make_map(mode, workers):
    """Starts a pool and returns a function like map that runs on it."""
    global _barrier, _pool
    if mode == "single":
        return lambda work, items, chunk: [work(item) for item in items]
    if mode == "thread":
        _barrier = threading.Barrier(workers)
        pool = concurrent.futures.ThreadPoolExecutor(workers)
    else:
        context = multiprocessing.get_context(mode if mode in ("forkserver", "spawn") else "fork")
        arguments = (0 if mode == "forkserver" else os.getpid(), context.Barrier(workers))
        if mode == "pool":
            pool = context.Pool(workers, begin, arguments)
            atexit.register(pool.terminate)
        else:
            pool = concurrent.futures.ProcessPoolExecutor(workers, context, begin, arguments)
    _pool = pool
    list(pool.map(meet, range(workers), chunksize=1))
    return lambda work, items, chunk: list(pool.map(work, items, chunksize=chunk))


def load_kernels():
    """Imports all modules before workers are forked, so that no job includes an import."""
    kernels, missing = {}, {}
    for name in KERNELS:
        try:
            kernels[name] = importlib.import_module(name)
        except ImportError as error:
            missing[name] = f"{error}: install it for this interpreter (Pillow: python3-pil)"
    return kernels, missing


def shift_heap():
    """Allocates a random number of objects, to be kept, so that later objects get other addresses.

    Python's heap layout is the same in every process. One layout with bad cache conflicts was seen to
    cost 12 % in every run of one harness and none in another. A random layout per trial turns such a
    bias into noise, which the intervals show.
    """
    return [1000 + i for i in range(random.randrange(1000))]


def run(job, run_map, kernels):
    kernel = kernels[job["kernel"]]
    return b"".join(run_map(kernel.work, kernel.plan(job["parameters"]), job["chunk"]))


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # forkbench reports Ctrl-C
    # Prints of other modules must not get into the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def send(answer, data=b""):
        answers.write(json.dumps(answer).encode() + b"\n" + data)
        answers.flush()

    mode, workers = sys.argv[1], int(sys.argv[2])
    kernels, missing = load_kernels()
    kept = shift_heap()
    try:
        run_map = make_map(mode, workers)
    except Exception as error:  # for example, a worker was killed while starting
        send({"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    version = "CPython" if sys.implementation.name == "cpython" else sys.implementation.name
    send({"version": version + " " + sys.version.split()[0], "gil": gil})
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if job["kernel"] in missing:
            send({"error": missing[job["kernel"]], "missing": True})
            continue
        try:
            data = run(job, run_map, kernels)
        except Exception as error:
            send({"error": f"{type(error).__name__}: {error}"})
        else:
            send({"bytes": len(data)}, data)
    del kept


if __name__ == "__main__":
    main()
