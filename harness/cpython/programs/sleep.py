"""Waits for records and squares each (W10): the Python version of kernels/waiting/sleep.c."""
import struct
import time


def plan(parameters):
    seconds = int(parameters["wait_us"]) / 1e6
    return [(item, seconds) for item in range(int(parameters["count"]))]


def work(record):
    value, seconds = record
    if seconds > 0:
        time.sleep(seconds)
    return struct.pack("=iIQ", 0, 0, value * value)
