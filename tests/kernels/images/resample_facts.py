"""Prints resample_facts.h: small images resampled by Pillow."""
from PIL import Image

FILTERS = {"FB_BOX": Image.BOX, "FB_BILINEAR": Image.BILINEAR, "FB_BICUBIC": Image.BICUBIC,
           "FB_LANCZOS3": Image.LANCZOS}
CASES = [  # channels, from, to
    (1, (7, 5), (3, 2)), (3, (7, 5), (3, 2)), (1, (5, 4), (9, 8)), (3, (3, 2), (5, 4)),
    (1, (16, 16), (4, 4)), (3, (16, 16), (4, 4)), (1, (1, 1), (3, 3)), (3, (1, 1), (2, 2)),
    (1, (1, 9), (1, 4)), (1, (9, 1), (4, 1)), (1, (1, 3), (2, 7)), (1, (12, 3), (5, 7)),
    (1, (40, 30), (1, 1)), (3, (40, 30), (2, 1)),
]


def image(channels, width, height):
    data = bytes((37 * x * x + 61 * y + 89 * channel + 13 * x * y) % 256
                 for y in range(height) for x in range(width) for channel in range(channels))
    return Image.frombytes("L" if channels == 1 else "RGB", (width, height), data)


def entry(name, channels, old, new, pixels):
    head = f"    {{ {name}, {channels}, {old[0]}, {old[1]}, {new[0]}, {new[1]},"
    if len(head) + len(pixels) + 6 <= 100:
        return f'{head} "{pixels}" }},'
    parts = [f'      "{pixels[i:i + 88]}"' for i in range(0, len(pixels), 88)]
    return head + "\n" + "\n".join(parts) + " },"


print("""/* Small images resampled by Pillow 9.4, as hexadecimal bytes. Sample (x, y, channel) of each original is
 * (37 x^2 + 61 y + 89 channel + 13 x y) mod 256. Printed by resample_facts.py. */
#ifndef TEST_RESAMPLE_FACTS_H
#define TEST_RESAMPLE_FACTS_H

#include "kernels/images/resample.h"

static const struct fact {
    enum fb_filter filter;
    uint32_t channels, from_width, from_height, width, height;
    const char *pixels;
} facts[] = {""")
for channels, old, new in CASES:
    for name, how in FILTERS.items():
        pixels = image(channels, *old).resize(new, how).tobytes().hex()
        print(entry(name, channels, old, new, pixels))
print("""};

#endif""")
