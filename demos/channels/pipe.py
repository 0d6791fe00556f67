"""A worker at the other end of a two-way pipe answers every message until it is told to quit."""
import multiprocessing
import os
import sys

from lesson import end, fact, is_broken, say

WHOLE = "three messages, three answers, in order and each whole: ONE TWO THREE"


def answer(mine, other):
    other.close()  # or nobody would see that the other side is gone
    while True:
        text = mine.recv()
        if text == "QUIT":
            return
        mine.send(text.upper())


def use_a_bare_pipe():
    """Broken: a stream of bytes."""
    reader, writer = os.pipe()
    for word in (b"one", b"two", b"three"):
        os.write(writer, word)
    data = os.read(reader, 64)
    say(f"read: [{data.decode()}]")
    fact(len(data) == 3, WHOLE)


if __name__ == "__main__":
    if is_broken():
        use_a_bare_pipe()
        sys.exit(end())
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=answer, args=(there, here))
    process.start()
    there.close()
    for word in ("one", "two", "three"):
        here.send(word)
    said = [here.recv() for _ in range(3)]
    here.send("QUIT")
    process.join()
    say("received: " + " ".join(f"[{word}]" for word in said))
    fact(said == ["ONE", "TWO", "THREE"], WHOLE)
    try:
        here.recv()
        ended = False
    except EOFError:
        ended = True
    fact(ended, "after its end the pipe says so instead of waiting")
    sys.exit(end())
