"""A worker at the other end of a two-way pipe answers each message until it receives QUIT."""
import multiprocessing
import os
import sys

from lesson import end, fact, is_broken, say

WHOLE = "three messages get three answers, in order and each whole: ONE TWO THREE"


def answer(mine, other):
    other.close()  # otherwise its own copy would keep that end open
    while True:
        text = mine.recv()
        if text == "QUIT":
            return
        mine.send(text.upper())


def use_a_plain_pipe():
    """Broken: a plain pipe is a stream of bytes, not of messages."""
    reader, writer = os.pipe()
    for word in (b"one", b"two", b"three"):
        os.write(writer, word)
    data = os.read(reader, 64)
    say(f"read: [{data.decode()}]")
    fact(len(data) == 3, WHOLE)


if __name__ == "__main__":
    if is_broken():
        use_a_plain_pipe()
        sys.exit(end())
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=answer, args=(there, here))
    process.start()
    there.close()
    for word in ("one", "two", "three"):
        here.send(word)
    answers = [here.recv() for _ in range(3)]
    here.send("QUIT")
    process.join()
    say("received: " + " ".join(f"[{word}]" for word in answers))
    fact(answers == ["ONE", "TWO", "THREE"], WHOLE)
    try:
        here.recv()
        ended = False
    except EOFError:
        ended = True
    fact(ended, "when the other end is closed, receiving fails instead of waiting for ever")
    sys.exit(end())
