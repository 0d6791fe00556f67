"""Waits for records, then counts primes for each: the Python version of kernels/waiting/mixed.c."""
import time

import primes


def plan(parameters):
    count, wait_us, start, numbers = (int(parameters[name]) for name in
                                      ("count", "wait_us", "from", "numbers"))
    return [(wait_us / 1e6, start + item * numbers, start + (item + 1) * numbers)
            for item in range(count)]


def work(record):
    seconds, lo, hi = record
    if seconds > 0:
        time.sleep(seconds)
    return primes.work((lo, hi))
