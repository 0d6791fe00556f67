"""Does a piece of work with Pillow and prints how many seconds it took.

    with_pillow.py resample FROM_WIDTH FROM_HEIGHT WIDTH HEIGHT     the least of 5 times
    with_pillow.py plain|draft PROCESSES FROM TO     a folder to 128x128: the median of 3 times
"""
import functools
import multiprocessing
import os
import statistics
import sys
import time

from PIL import Image

SIZE = (128, 128)
QUALITY = 75


def times(count, work):
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def resample(from_width, from_height, width, height):
    image = Image.frombytes("RGB", (from_width, from_height), os.urandom(3 * from_width * from_height))
    return min(times(5, lambda: image.resize((width, height), Image.BICUBIC)))


def shrink(path, to, draft):
    with Image.open(path) as image:
        if draft:
            image.draft("RGB", (2 * SIZE[0], 2 * SIZE[1]))  # no smaller than that
        if image.mode != "RGB":
            image = image.convert("RGB")
        small = image.resize(SIZE, Image.BICUBIC)
        small.save(os.path.join(to, "processed_" + os.path.basename(path)), "JPEG", quality=QUALITY)


def shrink_folder(way, processes, source, to):
    paths = sorted(os.path.join(source, name) for name in os.listdir(source))
    work = functools.partial(shrink, to=to, draft=way == "draft")
    if processes == 1:
        return statistics.median(times(3, lambda: list(map(work, paths))))
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.map(os.path.exists, paths[:processes], chunksize=1)  # starts the workers
        return statistics.median(times(3, lambda: pool.map(work, paths, chunksize=1)))


if sys.argv[1] == "resample":
    print(resample(*map(int, sys.argv[2:])))
else:
    print(shrink_folder(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]))
