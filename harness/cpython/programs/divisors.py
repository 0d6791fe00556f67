"""Counts divisors by trying every candidate (W1): the Python version of kernels/numbers/divisors.c."""
import struct


def plan(parameters):
    first = int(parameters["first"])
    return list(range(first, first + int(parameters["count"])))


def work(n):
    count = 0
    for i in range(1, n + 1):
        if n % i == 0:
            count += 1
    return struct.pack("=iIQ", 0, 0, count)
