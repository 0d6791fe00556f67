"""Work that computes, waits, or does both: on threads under a lock, on processes and on an event loop."""
import asyncio
import concurrent.futures
import multiprocessing
import statistics
import sys
import time

from lesson import bars, end, is_broken, measured, need_cpus

ROUNDS, COUNT, SECONDS, NUMBERS = 3, 8, 0.01, 12000


def compute(_=None):
    return sum(all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(10000, 10000 + NUMBERS))


def wait(_=None):
    time.sleep(SECONDS)


def both(_=None):
    wait()
    return compute()


async def on_loop(kind, pool):
    async def one():
        if kind is not compute:
            await asyncio.sleep(SECONDS)
        if kind is both:
            await asyncio.get_running_loop().run_in_executor(pool, compute)
        elif kind is compute:
            compute()  # on the thread of the loop, which it blocks
    await asyncio.gather(*(one() for _ in range(COUNT)))


def timed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    need_cpus(2)
    processes = concurrent.futures.ProcessPoolExecutor(8, multiprocessing.get_context("fork"))
    speedup, best = {}, {}
    with processes, concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(processes.map(wait, range(8)))
        for name, kind in (("computing", compute), ("waiting", wait), ("both", both)):
            def alone():
                for _ in range(COUNT):
                    kind()
            ways = {"threads": lambda: list(threads.map(kind, range(COUNT))),
                    "processes": lambda: list(processes.map(kind, range(COUNT))),
                    "event loop": lambda: asyncio.run(on_loop(kind, processes))}
            for way, run in ways.items():
                ratios = [timed(alone) / timed(alone if is_broken() else run) for _ in range(ROUNDS)]
                speedup[name, way] = statistics.median(ratios)
                best[name, way] = max(ratios)
    bars("times", *[(f"{kind}: {way}", value) for (kind, way), value in speedup.items()])
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    measured(best["computing", "processes"] > 1.3
         and (speedup["computing", "threads"] < 1.2 or not has_lock)
         and speedup["computing", "event loop"] < 1.2,
         "computing is faster on processes, not on threads under a lock or on the thread of the loop")
    measured(speedup["waiting", "threads"] > 4 and speedup["waiting", "event loop"] > 4,
         "waiting is faster on threads and on an event loop")
    measured(best["both", "event loop"] > 1.5,
         "work that does both is faster on an event loop that hands its computing to processes")
    sys.exit(end())
