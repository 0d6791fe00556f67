"""Does a piece of work with Pillow and prints the seconds that took.

    with_pillow.py resample FROM_WIDTH FROM_HEIGHT WIDTH HEIGHT
    with_pillow.py plain|draft PROCESSES FROM TO [QUALITY]     a folder to 128x128
"""
import functools
import multiprocessing
import os
import sys
import time

from PIL import Image

SIZE = (128, 128)


def resample(from_width, from_height, width, height):
    image = Image.frombytes("RGB", (from_width, from_height), os.urandom(3 * from_width * from_height))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        image.resize((width, height), Image.BICUBIC)
        times.append(time.perf_counter() - start)
    return min(times)


def shrink(path, to, draft, quality):
    with Image.open(path) as image:
        if draft:
            image.draft("RGB", (2 * SIZE[0], 2 * SIZE[1]))  # no smaller than that
        small = image.convert("RGB").resize(SIZE, Image.BICUBIC)
        small.save(os.path.join(to, "processed_" + os.path.basename(path)), "JPEG", quality=quality)


def shrink_folder(way, processes, source, to, quality):
    paths = sorted(os.path.join(source, name) for name in os.listdir(source))
    work = functools.partial(shrink, to=to, draft=way == "draft", quality=quality)
    if processes == 1:
        start = time.perf_counter()
        for path in paths:
            work(path)
        return time.perf_counter() - start
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.map(os.path.exists, paths[:processes], chunksize=1)  # the workers are there
        start = time.perf_counter()
        pool.map(work, paths, chunksize=1)
        return time.perf_counter() - start


if sys.argv[1] == "resample":
    print(resample(*map(int, sys.argv[2:])))
else:
    print(shrink_folder(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4],
                        int(sys.argv[5]) if len(sys.argv) > 5 else 75))
