"""Downloads documents from a server that answers with a delay (W9): the Python version of kernels/waiting/download.c."""
import errno
import http.client
import os
import struct
import threading
import urllib.parse

MASK = (1 << 64) - 1
_mine = threading.local()  # one connection per thread, reused for all documents


def plan(parameters):
    try:
        address = urllib.parse.urlsplit(parameters["url"])
    except ValueError:
        address = urllib.parse.urlsplit("")
    if address.scheme != "http":
        address = address._replace(netloc="")  # then each item fails, as without an address
    path = f"{address.path.rstrip('/')}/{int(parameters['bytes'])}/{int(parameters['latency_us'])}"
    if parameters["out"]:
        os.makedirs(parameters["out"], exist_ok=True)
    return [(address.netloc, f"{path}/{item}", item, parameters["out"])
            for item in range(int(parameters["count"]))]


def fold(digest, value):
    """fb_digest of kernels/kernel.h: the finalizer of splitmix64."""
    z = ((digest ^ value) + 0x9e3779b97f4a7c15) & MASK
    z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
    return z ^ (z >> 31)


def digest_of(data):
    digest = len(data)
    whole = data + bytes(-len(data) % 8)
    for (word,) in struct.iter_unpack("<Q", whole):
        digest = fold(digest, word)
    return digest


def fetch(netloc, path):
    if not netloc:
        raise http.client.InvalidURL(path)
    connection = getattr(_mine, "connection", None)
    if connection is None or _mine.netloc != netloc:
        connection = _mine.connection = http.client.HTTPConnection(netloc, timeout=120)
        _mine.netloc = netloc
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except Exception:
        _mine.connection = None
        connection.close()
        raise


def save(out, item, data):
    path = os.path.join(out, f"document_{item}")
    part = os.path.join(out, f".{os.getpid()}-{item}.part")
    try:
        with open(part, "wb") as file:
            file.write(data)
        os.rename(part, path)
    except OSError as error:
        if os.path.exists(part):
            os.unlink(part)
        return -error.errno
    return 0


def failed(code):
    return struct.pack("=iIQQ", -code, 0, 0, 0)


def work(request):
    netloc, path, item, out = request
    try:
        code, data = fetch(netloc, path)
    except ConnectionRefusedError:
        return failed(errno.ECONNREFUSED)
    except TimeoutError:
        return failed(errno.ETIMEDOUT)
    except (http.client.InvalidURL, ValueError):
        return failed(errno.EINVAL)
    except (http.client.HTTPException, OSError):
        return failed(errno.EPROTO)
    if code != 200:
        return failed(errno.ENOENT if code == 404 else errno.EPROTO)
    status = save(out, item, data) if out else 0
    return struct.pack("=iIQQ", status, 0, len(data), digest_of(data))
