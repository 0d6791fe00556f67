"""Runs the Python twins of forkbench's kernels, as a harness of forkbench tells it to.

    peer.py single|thread|process|forkserver|spawn|pool WORKERS

Reads one job a line from standard input, as JSON: {"kernel", "parameters", "chunk"}. Answers with a
line of JSON, {"bytes": N} and then the N bytes of all items' results as the kernel's C struct, or
{"error": "why"}. Ends at the end of its input.

A kernel's twin is a module beside this one with
    plan(parameters)    the items, a list of anything that pickles
    work(item)          one item's result as bytes, laid out as the kernel's result struct in C
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

TWINS = ("divisors", "primes", "fib", "text", "logs", "sleep", "mixed", "download", "resize")


_barrier = None
_pool = None  # kept: collected while Python ends, an executor races with its own end


def follow(interpreter):
    """Ends with it."""
    multiprocessing.connection.wait([interpreter])
    os._exit(1)


def begin(parent, barrier):
    """A worker must not outlive an interpreter that was killed. (A fork server's worker has the
    server for a parent, which does not end before its workers do.)"""
    global _barrier
    _barrier = barrier
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent and os.getppid() != parent:  # it died before that took effect
        os._exit(1)
    if not parent:
        interpreter = multiprocessing.parent_process().sentinel
        threading.Thread(target=follow, args=(interpreter,), daemon=True).start()


def meet(_):
    """Returns when every worker has come: then all of them have started."""
    _barrier.wait(60)


def make_map(mode, workers):
    """A function like map that runs on a started pool."""
    global _barrier, _pool
    if mode == "single":
        return lambda work, items, chunk: [work(item) for item in items]
    if mode == "thread":
        _barrier = threading.Barrier(workers)
        pool = concurrent.futures.ThreadPoolExecutor(workers)
    else:
        context = multiprocessing.get_context(mode if mode in ("forkserver", "spawn") else "fork")
        told = (0 if mode == "forkserver" else os.getpid(), context.Barrier(workers))
        if mode == "pool":
            pool = context.Pool(workers, begin, told)
            atexit.register(pool.terminate)
        else:
            pool = concurrent.futures.ProcessPoolExecutor(workers, context, begin, told)
    _pool = pool
    list(pool.map(meet, range(workers), chunksize=1))
    return lambda work, items, chunk: list(pool.map(work, items, chunksize=chunk))


def load_twins():
    """All that can be had, before workers are forked, so that no job pays for an import."""
    twins, missing = {}, {}
    for name in TWINS:
        try:
            twins[name] = importlib.import_module(name)
        except ImportError as error:
            missing[name] = f"{error}: install it for this interpreter (Pillow: python3-pil)"
    return twins, missing


def shift_heap():
    """Objects to be kept: moves all later ones to addresses drawn afresh for this process.

    Python's heap lies the same way in every process, and one unlucky way for its objects and frames
    to meet in the cache was seen to cost 12 % in each run of one harness and in none of another. A
    fresh layout for each trial turns such a bias into noise, which intervals show.
    """
    return [1000 + i for i in range(random.randrange(1000))]


def run(job, run_map, twins):
    twin = twins[job["kernel"]]
    return b"".join(run_map(twin.work, twin.plan(job["parameters"]), job["chunk"]))


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is for forkbench to speak of
    # Whatever prints must not print into the talk.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def say(answer, data=b""):
        answers.write(json.dumps(answer).encode() + b"\n" + data)
        answers.flush()

    mode, workers = sys.argv[1], int(sys.argv[2])
    twins, missing = load_twins()
    kept = shift_heap()
    try:
        run_map = make_map(mode, workers)
    except Exception as error:  # a worker was killed while it began, for one
        say({"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    version = "CPython" if sys.implementation.name == "cpython" else sys.implementation.name
    say({"version": version + " " + sys.version.split()[0], "gil": gil})
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if job["kernel"] in missing:
            say({"error": missing[job["kernel"]], "missing": True})
            continue
        try:
            data = run(job, run_map, twins)
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})
        else:
            say({"bytes": len(data)}, data)
    del kept


if __name__ == "__main__":
    main()
