"""Measures forkbench's kernels beside what a user would take instead, on the same input, in turns.

    peers.py BUILD OUTPUT [--photos DIR] [--rounds N] [--only GROUP]

Writes OUTPUT/peers.csv and peers.md, and as a whole also limits.md and quality.md. Each round measures every way once, in an order of its own; ratios are
paired within a round, and their interval is the sign test's, as forkbench's own.
"""
import argparse
import glob
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SIZE = 128


class Missing(Exception):
    """A peer that is not installed."""


def program(name):
    path = shutil.which(name)
    if not path:
        raise Missing(f"{name} is not installed")
    return path


def output_of(command, **keywords):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          **keywords).stdout


def wall(command, **keywords):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)
    return time.perf_counter() - start


# ---- ways: each is a function that takes a round's time, in seconds ----

class Ways:
    def __init__(self, build, photos, work):
        self.forkbench = os.path.join(build, "bench/forkbench")
        self.shrinker = os.path.join(build, "peers/peers_shrink")
        self.photos, self.work = photos, work
        self.files = sorted(glob.glob(os.path.join(photos, "*.[jJ][pP]*[gG]"))) if photos else []
        self.python = next((python for python in (sys.executable, "/usr/bin/python3", "python3")
                            if subprocess.run([python, "-c", "import PIL"], stderr=subprocess.DEVNULL,
                                              check=False).returncode == 0), None)

    def exec(self, words):
        said = json.loads(output_of([self.forkbench, "exec", "--json", "--repeat", "3"] + words.split()))
        return said["run_ns"] / 1e9

    def ours(self, words):
        command = [self.forkbench, "exec", "--repeat", "1"] + words.split()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode in (2, 3):
            raise Missing(done.stderr.strip())
        return lambda: self.exec(words)

    def loop(self, compiler, way):
        path = os.path.join(self.work, f"loops-{compiler}")
        if not os.path.exists(path):
            subprocess.run([program(compiler), "-O3", "-march=native", "-o", path, os.path.join(HERE, "loops.c")],
                           check=True)
        return lambda: int(output_of([path, way])) / 1e9

    def primesieve(self, threads):
        command = [program("primesieve"), "1e10", f"-t{threads}", "--count", "--time"]
        return lambda: float(next(line for line in output_of(command).splitlines()
                                  if line.startswith("Seconds")).split()[1])

    def shrink(self, size, simd):
        if not os.path.exists(self.shrinker):
            raise Missing("built without libjpeg or libspng")
        command = [self.shrinker, *map(str, size), "5", simd]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 3:
            raise Missing(f"this CPU has no {simd}")
        return lambda: min(map(int, output_of(command).split())) / 1e9

    def pillow(self, way, *arguments):
        if not self.python:
            raise Missing("Pillow is not installed")
        command = [self.python, os.path.join(HERE, "with_pillow.py"), way, *map(str, arguments)]
        return lambda: float(output_of(command))

    def folder(self, name):
        path = os.path.join(self.work, name)
        os.makedirs(path, exist_ok=True)
        return path

    def vips(self, processes):
        vips, out = program("vipsthumbnail"), self.folder("vips")
        command = ["xargs", "-d", "\\n", "-P", str(processes), "-n", str(math.ceil(len(self.files) / processes)), vips,
                   "--size", f"{SIZE}x{SIZE}!", "-o", os.path.join(out, "%s.jpg[Q=75]")]
        environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
        return lambda: wall(command, input="\n".join(self.files), text=True, env=environment)

    def mogrify(self):
        command = [program("mogrify"), "-path", self.folder("mogrify"), "-resize", f"{SIZE}x{SIZE}!", "-quality", "75",
                   *self.files]
        return lambda: wall(command, env={**os.environ, "MAGICK_THREAD_LIMIT": "1"})

    def resize(self, kernel, rest):
        return self.ours(f"-k {kernel} -p images={self.photos} -p out={self.folder(kernel)} {rest}")


def groups(ways):
    """(name, what it is compared with, {way: how to make it})."""
    loop, ours = ways.loop, ways.ours
    yield "divisors of 5,000,000 … 5,000,007, one thread", "gcc -O3 -march=native, 32-bit modulo", {
        "gcc -O3 -march=native, 32-bit modulo": lambda: loop("gcc", "32"),
        "gcc -O3 -march=native, 64-bit modulo": lambda: loop("gcc", "64"),
        "gcc -O3 -march=native, float quotient": lambda: loop("gcc", "float"),
        "clang -O3 -march=native, 32-bit modulo": lambda: loop("clang", "32"),
        "clang -O3 -march=native, float quotient": lambda: loop("clang", "float"),
        "forkbench divisors": lambda: ours("-k divisors -H single"),
        **{f"forkbench divisors-simd, {simd}":
           (lambda simd=simd: ours(f"-k divisors-simd -p simd={simd} -H single"))
           for simd in ("portable", "avx2", "avx512", "neon")},
        "forkbench divisors-sqrt": lambda: ours("-k divisors-sqrt -H single"),
        "forkbench divisors-factor": lambda: ours("-k divisors-factor -H single"),
    }
    for threads, harnesses in ((1, ("single",)), (2, ("forkpool -w 2", "pthread -w 2"))):
        yield f"primes below 10^10, {threads} thread{'s' * (threads > 1)}", f"primesieve -t{threads}", {
            f"primesieve -t{threads}": lambda threads=threads: ways.primesieve(threads),
            **{f"forkbench primes-sieve, {harness}":
               (lambda harness=harness: ours(f"-k primes-sieve -H {harness}")) for harness in harnesses},
        }
    for size in ((6000, 3400, 128, 128), (2560, 1600, 320, 200)):
        yield "bicubic {}x{} to {}x{}, one thread".format(*size), "Pillow", {
            "Pillow": lambda size=size: ways.pillow("resample", *size),
            "forkbench resize's way": lambda size=size: ways.shrink(size, "plain"),
            **{f"forkbench resize-fast's way, {simd}": (lambda simd=simd, size=size: ways.shrink(size, simd))
               for simd in ("portable", "avx2", "avx512", "neon")},
        }
    if ways.files:
        yield f"{len(ways.files)} photographs to {SIZE}x{SIZE}, one process or thread", "Pillow, draft mode", {
            "Pillow, draft mode": lambda: ways.pillow("draft", 1, ways.photos, ways.folder("draft")),
            "Pillow": lambda: ways.pillow("plain", 1, ways.photos, ways.folder("pillow")),
            "vipsthumbnail": lambda: ways.vips(1),
            "ImageMagick mogrify": ways.mogrify,
            "forkbench resize, single": lambda: ways.resize("resize", "-H single"),
            "forkbench resize-fast, single": lambda: ways.resize("resize-fast", "-H single"),
            "forkbench resize-fast, Lanczos, single":
                lambda: ways.resize("resize-fast", "-p filter=lanczos3 -H single"),
        }
        yield f"{len(ways.files)} photographs to {SIZE}x{SIZE}, two workers", "Pillow, draft mode, Pool(2)", {
            "Pillow, draft mode, Pool(2)": lambda: ways.pillow("draft", 2, ways.photos, ways.folder("draft")),
            "Pillow, Pool(2)": lambda: ways.pillow("plain", 2, ways.photos, ways.folder("pillow")),
            "vipsthumbnail, two processes": lambda: ways.vips(2),
            "forkbench resize, forkpool": lambda: ways.resize("resize", "-H forkpool -w 2"),
            "forkbench resize-fast, forkpool": lambda: ways.resize("resize-fast", "-H forkpool -w 2"),
            "forkbench resize-fast, pthread": lambda: ways.resize("resize-fast", "-H pthread -w 2"),
            "forkbench resize-fast, Lanczos, forkpool":
                lambda: ways.resize("resize-fast", "-p filter=lanczos3 -H forkpool -w 2"),
        }


# ---- measuring ----

def rank(count):
    """Of the sign test's 95 % interval: the largest k with P(Binomial(count, 1/2) < k) <= 0.025; 0: none."""
    below, k = 0, 0
    while below + math.comb(count, k) / 2 ** count <= 0.025:
        below += math.comb(count, k) / 2 ** count
        k += 1
    return k


def interval(values):
    ordered, k = sorted(values), rank(len(values))
    low, high = (ordered[k - 1], ordered[-k]) if k else (math.nan, math.nan)
    return statistics.median(values), low, high


def measure(name, makers, rounds, show):
    """The seconds of every way, a list of rounds each; what can't be measured is left out, with why."""
    ways, missing = {}, {}
    for way, make in makers.items():
        try:
            ways[way] = make()
        except Missing as why:
            missing[way] = str(why)
    seconds = {way: [] for way in ways}
    for number in range(rounds + 1):  # the first one warms up
        for way in random.sample(list(ways), len(ways)):
            show(f"{name}: round {number} of {rounds}: {way}")
            spent = ways[way]()
            if number:
                seconds[way].append(spent)
    return seconds, missing


def rows_of(name, base, seconds):
    for way, spent in seconds.items():
        ratios = [one / two for one, two in zip(seconds[base], spent)] if base in seconds else []
        yield (name, way, statistics.median(spent), *(interval(ratios) if ratios else (math.nan,) * 3), base)


def begin_progress(total):
    start, done = time.monotonic(), 0

    def show(text):
        nonlocal done
        if sys.stderr.isatty():
            left = (time.monotonic() - start) / done * (total - done) if done else 0
            sys.stderr.write(f"\r{100 * done // total:3d} % {left:4.0f} s left  {text:.70s}\x1b[K")
            sys.stderr.flush()
        done += 1
    return show


# ---- limits ----

def note_limits(ways, path):
    """What the kernels reach of what this machine could do, side by side."""
    limits = os.path.join(os.path.dirname(ways.shrinker), "peers_limits")
    operations, read = map(float, output_of([limits]).split())
    candidates = sum(range(5000000, 5000008)) / min(ways.exec("-k divisors-simd -H single") for _ in range(3))
    pixels = 6000 * 3400 / ways.shrink((6000, 3400, 128, 128), "auto")()
    lines = [
        ("divisors-simd", "candidates a second", candidates, operations / 7,
         "vector operations (7 a candidate: estimate, product and rounding, whole number, rest, comparison, count, next)"),
        ("resize-fast, resampling 6000x3400", "bytes a second", 3 * pixels, read, "bytes that one thread reads from memory"),
        ("resize-fast, resampling 6000x3400", "bytes a second", 3 * pixels, operations / 10,
         "vector operations (10 a byte: to float, and times a weight and added to four rows)"),
    ]
    if ways.files:
        spent = min(ways.resize("resize-fast", "-H single")() for _ in range(3))
        decoding = min(float(output_of([limits, "decode", str(SIZE), *ways.files])) for _ in range(3)) / 1e9
        lines.append(("resize-fast, the photographs", "photographs a second", len(ways.files) / spent,
                      len(ways.files) / decoding, "decoding alone, by libjpeg-turbo"))
    with open(path, "w", encoding="utf-8") as file:
        file.write("| kernel | unit | reached | limit | of it | which limit |\n|---|---|--:|--:|--:|---|\n")
        for kernel, unit, reached, limit, words in lines:
            file.write(f"| {kernel} | {unit} | {reached:.3g} | {limit:.3g} | {reached / limit:.2f} | {words} |\n")


# ---- quality ----

def note_quality(ways, path):
    """PSNR and SSIM of each photograph by each way, against full decoding and Lanczos; all are saved
    with the same JPEG quality, 75."""
    if not ways.python or not ways.files:
        return
    folders = [f"Pillow={ways.folder('q-pillow')}", f"Pillow, draft mode={ways.folder('q-draft')}",
               f"resize-fast={ways.folder('q-fast')}", f"resize-fast, Lanczos={ways.folder('q-lanczos')}"]
    ways.pillow("plain", 1, ways.photos, ways.folder("q-pillow"))()
    ways.pillow("draft", 1, ways.photos, ways.folder("q-draft"))()
    for name, rest in (("q-fast", ""), ("q-lanczos", "-p filter=lanczos3")):
        ways.exec(f"-k resize-fast -p images={ways.photos} -p out={ways.folder(name)} {rest} -H single")
    try:
        command = [program("vipsthumbnail"), "--size", f"{SIZE}x{SIZE}!", "-o",
                   os.path.join(ways.folder("q-vips"), "%s.jpg[Q=75]"), *ways.files]
        wall(command)
        folders.append(f"vipsthumbnail={ways.folder('q-vips')}")
    except Missing:
        pass
    with open(path, "w", encoding="utf-8") as file:
        file.write(output_of([ways.python, os.path.join(HERE, "quality.py"), ways.photos, str(SIZE), *folders]))


# ---- all of it ----

def write_tables(rows, missing, folder):
    with open(os.path.join(folder, "peers.csv"), "w", encoding="utf-8") as file:
        file.write("group;way;seconds_median;speed_ratio;low;high;base;cpu;date\n")
        for name, way, spent, ratio, low, high, base in rows:
            file.write(f"{name};{way};{spent:.6g};{ratio:.6g};{low:.6g};{high:.6g};{base};{cpu_model()};"
                       f"{time.strftime('%Y-%m-%d', time.gmtime())}\n")
    with open(os.path.join(folder, "peers.md"), "w", encoding="utf-8") as file:
        for name in dict.fromkeys(row[0] for row in rows):
            own = [row for row in rows if row[0] == name]
            file.write(f"**{name}**\n\n| way | time ms | times as fast | 95 % interval |\n|---|--:|--:|--:|\n")
            for _, way, spent, ratio, low, high, base in sorted(own, key=lambda row: row[2]):
                relation = "1 (base)" if way == base else f"{ratio:.3g}"
                span = "-" if way == base or math.isnan(low) else f"[{low:.3g}, {high:.3g}]"
                file.write(f"| {way} | {1e3 * spent:.4g} | {relation} | {span} |\n")
            file.write("\n")
        for way, why in missing.items():
            file.write(f"Left out: {way}: {why}\n")


def choose_photos(given, work):
    """A folder of JPEG files: the one that was given, or a copy of Debian's wallpapers, the largest file of each."""
    if given:
        return os.path.abspath(given)
    folder = os.path.join(work, "photos")
    os.makedirs(folder)
    for images in sorted(glob.glob("/usr/share/wallpapers/*/contents/images*")):
        files = glob.glob(os.path.join(images, "*.jpg"))
        if files:
            name = "-".join(images.split(os.sep)[4::2]) + ".jpg"
            shutil.copy(max(files, key=os.path.getsize), os.path.join(folder, name))
    return folder if os.listdir(folder) else None


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("output")
    parser.add_argument("--photos", help="a folder of JPEG files")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="groups whose name contains this")
    options = parser.parse_args()
    os.makedirs(options.output, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        ways = Ways(options.build, choose_photos(options.photos, work), work)
        chosen = [group for group in groups(ways) if options.only in group[0]]
        show = begin_progress(sum(len(makers) for _, _, makers in chosen) * (options.rounds + 1))
        rows, missing = [], {}
        for name, base, makers in chosen:
            seconds, left_out = measure(name, makers, options.rounds, show)
            rows += rows_of(name, base, seconds)
            missing.update(left_out)
        write_tables(rows, missing, options.output)
        if os.path.exists(ways.shrinker) and "photographs".startswith(options.only):
            note_quality(ways, os.path.join(options.output, "quality.md"))
            note_limits(ways, os.path.join(options.output, "limits.md"))
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    with open(os.path.join(options.output, "peers.md"), encoding="utf-8") as file:
        print(file.read(), end="")


if __name__ == "__main__":
    main()
