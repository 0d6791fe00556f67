"""Counts primes by trial division (W2): the Python version of kernels/numbers/primes.c."""
import math
import struct


def plan(parameters):
    lo, hi, ranges = (int(parameters[name]) for name in ("lo", "hi", "ranges"))
    start = lo & ~1
    cuts = [lo] + [max(lo, start + (hi - start) * i // ranges) for i in range(1, ranges + 1)]
    return list(zip(cuts, cuts[1:]))


def is_prime(n):
    if n < 4:
        return n >= 2
    if n % 2 == 0:
        return False
    for divisor in range(3, math.isqrt(n) + 1, 2):
        if n % divisor == 0:
            return False
    return True


def work(bounds):
    count = 0
    for n in range(*bounds):
        if is_prime(n):
            count += 1
    return struct.pack("=iIQ", 0, 0, count)
