"""The common machinery of the lessons' Python versions: show results and check the claims.

They take the same options as the lessons in C: --break removes the mechanism, so that the check fails;
--no-ask is accepted; --json prints facts and notes as JSON. Exit codes: 1: a fact was not observed; 2: bad usage;
3: this machine can't do it; 4: facts were observed, but not everything that is measured.
"""
import argparse
import json
import multiprocessing
import os
import signal
import sys

BAR = 44
_facts = []
_noted = {}


def _parse():
    """Only in the main process, as a spawned one has other arguments. --json must not wait for ever: the alarm."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("-n", "--no-ask", action="store_true", help="accepted for compatibility with the lesson in C")
    parser.add_argument("-b", "--break", action="store_true", dest="broken", help="remove the mechanism")
    parser.add_argument("-j", "--json", action="store_true", help="print facts and notes as JSON")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if options.json:
        signal.alarm(60)
    else:
        print(sys.modules["__main__"].__doc__, "\n")
    return options


if multiprocessing.current_process().name == "MainProcess":
    _options = _parse()
else:
    _options = argparse.Namespace(broken="--break" in sys.argv or "-b" in sys.argv, json=False)


def is_broken():
    return _options.broken


def need_cpus(count):
    """Ends the program if it may not use that many CPUs."""
    if len(os.sched_getaffinity(0)) < count:
        sys.stderr.write(f"this needs {count} CPUs\n")
        sys.exit(3)


def say(text):
    if not _options.json:
        print("   ", text)


def bars(unit, *pairs):
    """A bar for each (label, value)."""
    widest = max(len(label) for label, _ in pairs)
    most = max(value for _, value in pairs)
    for label, value in pairs:
        length = round(BAR * value / most) if most > 0 else 0
        number = f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
        say(f"{label:{widest}}  {'█' * length + ' ' if length else '▏'}{number} {unit}")


def _show(shown, is_measured, mark, text):
    _facts.append({"text": text, "shown": bool(shown), "measured": is_measured})
    if not _options.json:
        print(" ", mark, text, flush=True)


def fact(shown, text):
    """Reports a fact, which must hold on every machine, in the same words as the lesson in C."""
    _show(shown, False, "=" if shown else "! not observed:", text)


def measured(shown, text):
    """Reports a claim about durations or chance, which load on the machine may hide."""
    _show(shown, True, "≈" if shown else "? not observed this time:", text)


def note(name, *values):
    """Records measurements under a name, for the lesson in C, which judges a claim of the tutorials by them."""
    _noted.setdefault(name, []).extend(float(value) for value in values)


def end():
    """Returns the exit code."""
    if _options.json:
        json.dump({"facts": _facts, "noted": _noted}, sys.stdout)
    if not _facts or any(not one["shown"] and not one["measured"] for one in _facts):
        return 1
    if all(one["shown"] for one in _facts):
        return 0
    if not _options.json and not is_broken():
        print("\nSomething may have kept this machine busy. Run it again when it is quiet.")
    return 4
