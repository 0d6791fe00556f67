"""Writes the images as the Python version of resize decodes them, before it resamples them.

    python_pixels.py FOLDER OUT

Writes for each file of FOLDER, in the order of their names, a line "channels width height" into OUT
and then the pixels.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                *[os.pardir] * 3, "harness", "cpython", "programs"))
sys.dont_write_bytecode = True

import resize  # noqa: E402: the folder must be known first

with open(sys.argv[2], "wb") as out:
    for name in sorted(os.listdir(sys.argv[1])):
        with open(os.path.join(sys.argv[1], name), "rb") as file:
            image = resize.plain(*resize.load(file.read()))
        out.write(b"%d %d %d\n" % (len(image.getbands()), *image.size))
        out.write(image.tobytes())
