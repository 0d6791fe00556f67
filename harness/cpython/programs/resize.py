"""Resizes images with Pillow (W3): the Python version of kernels/images/resize.c."""
import errno
import io
import os
import stat
import struct
import warnings
import zlib

from PIL import Image, UnidentifiedImageError

FILTERS = {
    "box": Image.BOX,
    "bilinear": Image.BILINEAR,
    "bicubic": Image.BICUBIC,
    "lanczos3": Image.LANCZOS,
}
GRID = 4
# As in kernels/images/image.h: Pillow refuses images with twice as many pixels as this.
Image.MAX_IMAGE_PIXELS = 1 << 27
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
PACK_HEAD, PACK_ENTRY = struct.Struct("=8sQ"), struct.Struct("=QQ32s")


def list_pack(path):
    """(name, path, offset, size) of each image in a pack (kernels/images/sample.h)."""
    with open(path, "rb") as file:
        _, count = PACK_HEAD.unpack(file.read(PACK_HEAD.size))
        entries = [PACK_ENTRY.unpack(file.read(PACK_ENTRY.size)) for _ in range(count)]
    return [(name.rstrip(b"\0").decode(), path, offset, size) for offset, size, name in entries]


def list_folder(path):
    names = sorted(entry.name for entry in os.scandir(path)
                   if not entry.is_dir() and not entry.name.startswith("."))
    return [(name, os.path.join(path, name), 0, -1) for name in names]


def plan(parameters):
    images = parameters["images"]
    size = int(parameters["width"]), int(parameters["height"])
    how = size, FILTERS[parameters["filter"]], int(parameters["quality"]), parameters["out"]
    found = list_folder(images) if os.path.isdir(images) else list_pack(images)
    return [image + how for image in found[:int(parameters["count"]) or None]]


def read_bytes(path, offset, length):
    """Reads a regular file, or a part of it. Does not block on a pipe."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        file.seek(offset)
        return file.read(length)


def load(data):
    """Returns the image and whether the file is greyscale, which Pillow does not keep for all files."""
    image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    if image.format != "PNG":
        return image, image.mode == "L"
    bits, colour = data[24], data[25]
    transparent = image.info.get("transparency")
    if colour == 0 and bits < 8 and isinstance(transparent, int):
        # Pillow scales the pixels to 0 … 255, but not the transparent value.
        image.info["transparency"] = transparent * 255 // ((1 << bits) - 1)
    return image, colour in (0, 4)


def plain(image, grey):
    """Converts to greyscale or RGB; transparent images are put on white."""
    if image.mode in ("I", "I;16", "I;16B"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("L" if grey else "RGB")


def failure(code, reason):
    return struct.pack("=i5IQQ48s96s", -code, 0, 0, 0, 0, 0, 0, 0, b"", reason.encode()[:95])


def grid(image):
    width, height = image.size
    pixels = b""
    for i in range(GRID * GRID):
        x = (2 * (i % GRID) + 1) * width // (2 * GRID)
        y = (2 * (i // GRID) + 1) * height // (2 * GRID)
        pixel = image.getpixel((x, y))
        pixels += bytes(pixel if isinstance(pixel, tuple) else (pixel, 0, 0))
    return pixels


def resize(name, path, offset, length, size, resample, quality, out):
    source, grey = load(read_bytes(path, offset, length))
    small = plain(source, grey).resize(size, resample)
    encoded = io.BytesIO()
    small.save(encoded, "JPEG", quality=quality)
    if out:
        with open(os.path.join(out, "processed_" + name), "wb") as file:
            file.write(encoded.getvalue())
    return struct.pack("=i5IQQ48s96s", 0, *source.size, *size, len(small.getbands()),
                       len(encoded.getvalue()), zlib.crc32(small.tobytes()), grid(small), b"")


def work(item):
    try:
        return resize(*item)
    except UnidentifiedImageError:
        return failure(errno.ENOTSUP, "neither a JPEG nor a PNG image")
    except Exception as error:  # a broken image is only an error of its item, whatever Pillow raises
        return failure(getattr(error, "errno", None) or errno.EBADMSG,
                       str(error) or type(error).__name__)
