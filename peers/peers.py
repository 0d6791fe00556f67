"""Measures forkbench's kernels beside other programs for the same work, on the same input, in turns.

    peers.py BUILD OUTPUT [--photos DIR] [--rounds N] [--only GROUP]

Writes OUTPUT/peers.csv and peers.md, with the photographs also limits.md and quality.md. Each round measures every
program once, in a random order; ratios are computed within a round, and have an interval by the sign test, as in
forkbench. With --only, rows of other groups in OUTPUT are kept if they were measured on the same CPU.
"""
import argparse
import csv
import glob
import math
import os
import random
import shutil
import statistics
import sys
import tempfile
import time

from ways import HERE, LANCZOS, SIZE, Missing, Ways, groups, jpegs_of, output_of, program, wall


def stop(text):
    """Bad usage or input."""
    sys.stderr.write(f"peers.py: {text}\n")
    sys.exit(2)


# ---- measuring ----

def rank(count):
    """For the 95 % interval of the sign test: the largest k with P(Binomial(count, 1/2) < k) <= 0.025; 0: none."""
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
    """Returns the seconds of each program in each round, and the reasons why others were left out."""
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
    """Writes what the kernels reach, and the limits of this machine."""
    limits = os.path.join(os.path.dirname(ways.shrinker), "peers_limits")
    operations, read = map(float, output_of([limits]).split())
    best = ways.ours("divisors-simd", "single")
    candidates = sum(range(5000000, 5000008)) / min(best() for _ in range(3))
    pixels = 6000 * 3400 / ways.shrink((6000, 3400, 128, 128), "auto")()
    lines = [
        ("divisors-simd", "candidates a second", candidates, operations / 7,
         "float additions and multiplications by vectors, as if all operations took as long (7 a candidate: estimate, product and rounding, whole number, rest, comparison, count, next)"),
        ("resize-fast, resampling 6000x3400", "bytes a second", 3 * pixels, read, "bytes that one thread reads from memory"),
        ("resize-fast, resampling 6000x3400", "bytes a second", 3 * pixels, operations / 10,
         "float additions and multiplications by vectors, as if all operations took as long (10 a byte: to float, and times a weight and added to four rows)"),
    ]
    if ways.files:
        spent = min(ways.resize("resize-fast", "single")() for _ in range(3))
        decoding = min(float(output_of([limits, "decode", str(SIZE), *ways.files])) for _ in range(3)) / 1e9
        lines.append(("resize-fast, the photographs", "photographs a second", len(ways.files) / spent,
                      len(ways.files) / decoding, "decoding alone, by libjpeg-turbo"))
    with open(path, "w", encoding="utf-8") as file:
        file.write("| kernel | unit | reached | limit | of it | which limit |\n|---|---|--:|--:|--:|---|\n")
        for kernel, unit, reached, limit, words in lines:
            file.write(f"| {kernel} | {unit} | {reached:.3g} | {limit:.3g} | {reached / limit:.2f} | {words} |\n")


# ---- quality ----

def note_quality(ways, path):
    """Writes PSNR and SSIM of each photograph by each program, against full decoding and Lanczos. All are saved
    with JPEG quality 75."""
    if not ways.python or not ways.files:
        return
    folders = [f"Pillow={ways.folder('q-pillow')}", f"Pillow, draft mode={ways.folder('q-draft')}",
               f"resize-fast={ways.folder('q-fast')}", f"resize-fast, Lanczos={ways.folder('q-lanczos')}"]
    ways.pillow("plain", 1, ways.photos, ways.folder("q-pillow"))()
    ways.pillow("draft", 1, ways.photos, ways.folder("q-draft"))()
    ways.resize("resize-fast", "single", to="q-fast")()
    ways.resize("resize-fast", "single", LANCZOS, to="q-lanczos")()
    try:
        command = [program("vipsthumbnail"), "--size", f"{SIZE}x{SIZE}!", "-o",
                   os.path.join(ways.folder("q-vips"), "%s.jpg[Q=75]"), *ways.files]
        wall(command)
        folders.append(f"vipsthumbnail={ways.folder('q-vips')}")
    except Missing:
        pass
    try:
        ways.mogrify("-define", f"jpeg:size={2 * SIZE}x{2 * SIZE}")()
        folders.append(f"ImageMagick, jpeg:size={ways.folder('mogrify')}")
    except Missing:
        pass
    with open(path, "w", encoding="utf-8") as file:
        file.write(output_of([ways.python, os.path.join(HERE, "quality.py"), ways.photos, str(SIZE), *folders]))


# ---- all of it ----

COLUMNS = "group;way;seconds_median;speed_ratio;low;high;base;cpu;date;left_out".split(";")


def rows_of(name, base, seconds, missing):
    """Yields a row of the table for each program, measured or left out."""
    rest = {"group": name, "base": base, "cpu": cpu_model(), "date": time.strftime("%Y-%m-%d", time.gmtime())}
    for way, spent in seconds.items():
        ratios = [one / two for one, two in zip(seconds[base], spent)] if base in seconds else []
        values = (statistics.median(spent), *(interval(ratios) if ratios else (math.nan,) * 3))
        yield {**rest, "way": way, "left_out": "", **{column: f"{value:.6g}" for column, value in zip(COLUMNS[2:6], values)}}
    for way, why in missing.items():
        yield {**rest, "way": way, "left_out": why, **dict.fromkeys(COLUMNS[2:6], "nan")}


def others_of(path, measured):
    """The rows of the existing table of groups that are not measured now, on this CPU."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter=";")
                if row["group"] not in measured and row["cpu"] == cpu_model()]


def write_tables(rows, folder):
    with open(os.path.join(folder, "peers.csv"), "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter=";", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    with open(os.path.join(folder, "peers.md"), "w", encoding="utf-8") as file:
        for name in dict.fromkeys(row["group"] for row in rows):
            own = [row for row in rows if row["group"] == name]
            file.write(f"**{name}** ({own[0]['cpu']}, {own[0]['date']})\n\n"
                       "| way | time ms | times as fast | 95 % interval |\n|---|--:|--:|--:|\n")
            for row in sorted((row for row in own if not row["left_out"]), key=lambda row: float(row["seconds_median"])):
                spent, ratio, low, high = (float(row[column]) for column in COLUMNS[2:6])
                relation = "1 (base)" if row["way"] == row["base"] else f"{ratio:.3g}"
                span = "-" if row["way"] == row["base"] or math.isnan(low) else f"[{low:.3g}, {high:.3g}]"
                file.write(f"| {row['way']} | {1e3 * spent:.4g} | {relation} | {span} |\n")
            file.write("\n" + "".join(f"Left out: {row['way']}: {row['left_out']}\n\n"
                                      for row in own if row["left_out"]))


def copy_photos(given, work):
    """A folder with copies of the given JPEG files, or of Debian's wallpapers, the largest file of each."""
    folder = os.path.join(work, "photos")
    os.makedirs(folder)
    if given:
        if not jpegs_of(given):
            stop(f"no JPEG files in {given}: give a folder that has some")
        for path in jpegs_of(given):
            shutil.copy(path, folder)
        return folder
    for images in sorted(glob.glob("/usr/share/wallpapers/*/contents/images*")):
        files = glob.glob(os.path.join(images, "*.jpg"))
        if files:
            name = "-".join(images.split(os.sep)[4::2]) + ".jpg"
            shutil.copy(max(files, key=os.path.getsize), os.path.join(folder, name))
    return folder


def positive(text):
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError("give at least 1")
    return number


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder (peers.sh gives it)")
    parser.add_argument("output", help="the folder for the tables (results/peers, says peers.sh)")
    parser.add_argument("--photos", help="a folder of JPEG files; without it Debian's wallpapers")
    parser.add_argument("--rounds", type=positive, default=9, help="rounds of measurement (9)")
    parser.add_argument("--only", default="", help="groups whose name contains this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        ways = Ways(options.build, copy_photos(options.photos, work), work)
        chosen = [group for group in groups(ways) if options.only in group[0]]
        if not chosen:
            stop(f"no group's name contains {options.only}: there are "
                 + "; ".join(name for name, _, _ in groups(ways)))
        show = begin_progress(sum(len(makers) for _, _, makers in chosen) * (options.rounds + 1))
        rows = []
        for name, base, makers in chosen:
            seconds, left_out = measure(name, makers, options.rounds, show)
            rows += rows_of(name, base, seconds, left_out)
        if options.only:
            rows = others_of(os.path.join(options.output, "peers.csv"), {name for name, _, _ in chosen}) + rows
        os.makedirs(options.output, exist_ok=True)
        write_tables(rows, options.output)
        if os.path.exists(ways.shrinker) and any("photographs" in name for name, _, _ in chosen):
            note_quality(ways, os.path.join(options.output, "quality.md"))
            note_limits(ways, os.path.join(options.output, "limits.md"))
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    with open(os.path.join(options.output, "peers.md"), encoding="utf-8") as file:
        print(file.read(), end="")


if __name__ == "__main__":
    main()
