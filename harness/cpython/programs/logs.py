"""Analyses the lines of a log (W8): the Python version of kernels/text/logs.c."""
import struct

LEVELS = {b"DEBUG": 0, b"INFO": 1, b"WARN": 2, b"ERROR": 3}
DIGITS_MOST = 12


def plan(parameters):
    """Splits the log into blocks of lines."""
    with open(parameters["log"], "rb") as file:
        lines = file.read().split(b"\n")
    if not lines[-1]:  # after the last newline
        lines.pop()
    size = int(parameters["lines"])
    return [lines[i:i + size] for i in range(0, len(lines), size)]


def number(field):
    if len(field) > DIGITS_MOST or not field.isdigit():
        raise ValueError
    return int(field)


def work(lines):
    levels, classes = [0] * 4, [0] * 5
    broken = sent = slowest = 0
    for line in lines:
        fields = line.split(b" ")
        try:
            if len(fields) != 8 or not all(fields):
                raise ValueError
            level, status = LEVELS[fields[1]], number(fields[5])
            size, ms = number(fields[6]), number(fields[7])
            if not 100 <= status <= 599:
                raise ValueError
        except (KeyError, ValueError):
            broken += 1
            continue
        levels[level] += 1
        classes[status // 100 - 1] += 1
        sent += size
        slowest = max(slowest, ms)
    return struct.pack("=iI4I5IIQQ", 0, broken, *levels, *classes, len(lines), sent, slowest)
