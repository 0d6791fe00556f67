"""A worker at the other end of a two-way pipe answers every message until it is told to quit."""
import multiprocessing
import sys

from lesson import end, fact, is_broken, say


def answer(mine, other):
    other.close()  # or nobody would see that the other side is gone
    while True:
        text = mine.recv()
        if text == "QUIT":
            return
        mine.send(text.upper())


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=answer, args=(there, here))
    process.start()
    there.close()
    for word in ("one", "two", "three"):
        here.send(word)
    said = [here.recv() for _ in range(2 if is_broken() else 3)]
    here.send("QUIT")
    process.join()
    say(" ".join(said))
    fact(said == ["ONE", "TWO", "THREE"],
         "three messages, three answers, in order and each whole: ONE TWO THREE")
    try:
        here.recv()
        ended = False
    except EOFError:
        ended = True
    fact(ended, "after its end the pipe says so instead of waiting")
    sys.exit(end())
