"""Computes Fibonacci numbers by plain recursion (W5): the Python version of kernels/numbers/fib.c."""
import struct


def plan(parameters):
    first = int(parameters["first"])
    return list(range(first, first + int(parameters["count"])))


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def work(n):
    return struct.pack("=iIQ", 0, 0, fib(n))
