"""How peers.py runs the kernels and other programs, and the groups that are compared."""
import glob
import json
import math
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SIZE = 128
LANCZOS = "filter=lanczos3"


class Missing(Exception):
    """A program that is not installed."""


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


def jpegs_of(folder):
    return sorted(path for path in glob.glob(os.path.join(glob.escape(folder), "*"))
                  if path.lower().endswith((".jpg", ".jpeg")) and os.path.isfile(path))


# ---- ways: each method returns a function that measures one round and returns seconds ----

class Ways:
    def __init__(self, build, photos, work):
        self.forkbench = os.path.join(build, "bench/forkbench")
        self.shrinker = os.path.join(build, "peers/peers_shrink")
        self.photos, self.work = photos, work
        self.files = jpegs_of(photos)
        pythons = filter(None, (sys.executable, shutil.which("/usr/bin/python3"), shutil.which("python3")))
        self.python = next((python for python in pythons
                            if subprocess.run([python, "-c", "import PIL"], stderr=subprocess.DEVNULL,
                                              check=False).returncode == 0), None)

    def exec(self, words, repeat):
        said = json.loads(output_of([self.forkbench, "exec", "--json", "--repeat", str(repeat), *words]))
        return said["run_ns"] / 1e9

    def ours(self, kernel, harness, *parameters, workers=1, repeat=3):
        words = ["-k", kernel, "-H", harness, "-w", str(workers),
                 *(word for parameter in parameters for word in ("-p", parameter))]
        command = [self.forkbench, "exec", *words]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 3:
            raise Missing(done.stderr.strip())
        if done.returncode:
            sys.exit(f"peers.py: {done.stderr.strip()}")
        return lambda: self.exec(words, repeat)

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
        command = ["xargs", "-0", "-P", str(processes), "-n", str(math.ceil(len(self.files) / processes)), vips,
                   "--size", f"{SIZE}x{SIZE}!", "-o", os.path.join(out, "%s.jpg[Q=75]")]
        environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
        # Each process is started once: more starts with fewer files each always took longer.
        return lambda: wall(command, input="\0".join(self.files), text=True, env=environment)

    def mogrify(self, *options):
        command = [program("mogrify"), *options, "-path", self.folder("mogrify"), "-resize", f"{SIZE}x{SIZE}!",
                   "-quality", "75", "-sampling-factor", "4:2:0", *self.files]  # like the others
        return lambda: wall(command, env={**os.environ, "MAGICK_THREAD_LIMIT": "1"})

    def resize(self, kernel, harness, *parameters, to=None, workers=1):
        return self.ours(kernel, harness, f"images={self.photos}", f"out={self.folder(to or kernel)}", *parameters,
                         workers=workers)


def groups(ways):
    """Yields (name, base, {way: function that makes it})."""
    loop, ours = ways.loop, ways.ours
    yield "divisors of 5,000,000 … 5,000,007, one thread", "gcc -O3 -march=native, 32-bit modulo", {
        "gcc -O3 -march=native, 32-bit modulo": lambda: loop("gcc", "32"),
        "gcc -O3 -march=native, 64-bit modulo": lambda: loop("gcc", "64"),
        "gcc -O3 -march=native, float quotient": lambda: loop("gcc", "float"),
        "clang -O3 -march=native, 32-bit modulo": lambda: loop("clang", "32"),
        "clang -O3 -march=native, float quotient": lambda: loop("clang", "float"),
        "forkbench divisors": lambda: ours("divisors", "single"),
        **{f"forkbench divisors-simd, {simd}":
           (lambda simd=simd: ours("divisors-simd", "single", f"simd={simd}"))
           for simd in ("portable", "avx2", "avx512", "neon")},
        "forkbench divisors-sqrt": lambda: ours("divisors-sqrt", "single"),
        "forkbench divisors-factor": lambda: ours("divisors-factor", "single"),
    }
    for threads, harnesses in ((1, ("single",)), (2, ("forkpool", "pthread"))):
        yield f"primes below 10^10, {threads} thread{'s' * (threads > 1)}", f"primesieve -t{threads}", {
            f"primesieve -t{threads}": lambda threads=threads: ways.primesieve(threads),
            **{f"forkbench primes-sieve, {harness}":
               (lambda harness=harness, threads=threads: ours("primes-sieve", harness, workers=threads, repeat=1))
               for harness in harnesses},
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
            "vipsthumbnail (with its start)": lambda: ways.vips(1),
            "ImageMagick mogrify (with its start)": ways.mogrify,
            "ImageMagick mogrify, jpeg:size (with its start)":
                lambda: ways.mogrify("-define", f"jpeg:size={2 * SIZE}x{2 * SIZE}"),
            "forkbench resize, single": lambda: ways.resize("resize", "single"),
            "forkbench resize-fast, single": lambda: ways.resize("resize-fast", "single"),
            "forkbench resize-fast, Lanczos, single": lambda: ways.resize("resize-fast", "single", LANCZOS),
        }
        yield f"{len(ways.files)} photographs to {SIZE}x{SIZE}, two workers", "Pillow, draft mode, Pool(2)", {
            "Pillow, draft mode, Pool(2)": lambda: ways.pillow("draft", 2, ways.photos, ways.folder("draft")),
            "Pillow, Pool(2)": lambda: ways.pillow("plain", 2, ways.photos, ways.folder("pillow")),
            "vipsthumbnail, two processes (with their start)": lambda: ways.vips(2),
            "forkbench resize, forkpool": lambda: ways.resize("resize", "forkpool", workers=2),
            "forkbench resize-fast, forkpool": lambda: ways.resize("resize-fast", "forkpool", workers=2),
            "forkbench resize-fast, pthread": lambda: ways.resize("resize-fast", "pthread", workers=2),
            "forkbench resize-fast, Lanczos, forkpool":
                lambda: ways.resize("resize-fast", "forkpool", LANCZOS, workers=2),
        }
