"""Resamples images with Pillow: resample_pillow.py FOLDER

FOLDER/cases has a line for each: filter (0 ... 3), channels, width and height before and after.
FOLDER/in has their pixels one behind the other, FOLDER/out gets the results in the same way.
"""
import os
import sys

from PIL import Image

FILTERS = (Image.BOX, Image.BILINEAR, Image.BICUBIC, Image.LANCZOS)

folder = sys.argv[1]
with open(os.path.join(folder, "cases")) as cases, \
        open(os.path.join(folder, "in"), "rb") as pixels, \
        open(os.path.join(folder, "out"), "wb") as out:
    for line in cases:
        how, channels, width, height, to_width, to_height = map(int, line.split())
        data = pixels.read(width * height * channels)
        image = Image.frombytes("L" if channels == 1 else "RGB", (width, height), data)
        out.write(image.resize((to_width, to_height), FILTERS[how]).tobytes())
