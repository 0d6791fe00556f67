"""Compares small images with those by full decoding and Lanczos: PSNR of all channels, SSIM of the luma.

    quality.py PHOTOS SIZE NAME=FOLDER...

Prints a Markdown table. SSIM as Wang, Bovik, Sheikh and Simoncelli define it (IEEE Trans. Image Processing 13, 2004), over windows
of 8 x 8 at every second pixel.
"""
import math
import os
import statistics
import sys

from PIL import Image

WINDOW, STEP = 8, 2
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(one, two):
    error = sum((a - b) ** 2 for a, b in zip(one.tobytes(), two.tobytes())) / len(one.tobytes())
    return 10 * math.log10(255 ** 2 / error) if error else 99.0


def ssim(one, two):
    a, b, (width, height) = one.convert("L").load(), two.convert("L").load(), one.size
    values = []
    for top in range(0, height - WINDOW + 1, STEP):
        for left in range(0, width - WINDOW + 1, STEP):
            pairs = [(a[x, y], b[x, y]) for y in range(top, top + WINDOW) for x in range(left, left + WINDOW)]
            count = len(pairs)
            mean_a, mean_b = sum(p for p, _ in pairs) / count, sum(q for _, q in pairs) / count
            var_a = sum(p * p for p, _ in pairs) / count - mean_a ** 2
            var_b = sum(q * q for _, q in pairs) / count - mean_b ** 2
            both = sum(p * q for p, q in pairs) / count - mean_a * mean_b
            values.append((2 * mean_a * mean_b + C1) * (2 * both + C2)
                          / ((mean_a ** 2 + mean_b ** 2 + C1) * (var_a + var_b + C2)))
    return statistics.fmean(values)


def find(folder, name):
    """Finds a result by the name of its photograph; the extension may differ, and a prefix is possible."""
    stem = os.path.splitext(name)[0]
    return next(os.path.join(folder, one) for one in os.listdir(folder)
                if os.path.splitext(one)[0] in (stem, "processed_" + stem))


def main():
    photos, size = sys.argv[1], int(sys.argv[2])
    folders = dict(word.rsplit("=", 1) for word in sys.argv[3:])
    print("| photograph |", " | ".join(f"{name}: PSNR dB | SSIM" for name in folders), "|")
    print("|---|" + "--:|" * (2 * len(folders)))
    columns = {name: ([], []) for name in folders}
    for photo in sorted(os.listdir(photos)):
        with Image.open(os.path.join(photos, photo)) as image:
            best = image.convert("RGB").resize((size, size), Image.LANCZOS)
        cells = []
        for name, folder in folders.items():
            with Image.open(find(folder, photo)) as image:
                small = image.convert("RGB")
            values = psnr(best, small), ssim(best, small)
            for column, value in zip(columns[name], values):
                column.append(value)
            cells.append(f"{values[0]:.2f} | {values[1]:.4f}")
        print(f"| {os.path.splitext(photo)[0]} |", " | ".join(cells), "|")
    means = [f"{statistics.fmean(noise):.2f} | {statistics.fmean(likeness):.4f}" for noise, likeness in columns.values()]
    print("| **mean** |", " | ".join(means), "|")


main()
