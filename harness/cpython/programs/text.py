"""Counts words, different words and letters of texts (W7): the Python version of kernels/text/text.c."""
import struct


def plan(parameters):
    with open(parameters["texts"], "rb") as file:
        return file.read().split(b"\f")


def work(text):
    words = text.lower().split()
    return struct.pack("=iIQQQ", 0, 0, len(words), len(set(words)), sum(map(len, words)))
