"""What the Python twins of the lessons share: showing, and checking that what they claim has shown itself.

A twin takes the same options as its lesson: --break takes the mechanism away, so that the check fails;
--no-ask is accepted; --json prints what was shown and noted. It exits with 1 if a fact
did not show itself, with 2 after bad usage, with 3 if this machine can't show it, and with 4 if nothing but
something measured did not show itself.
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
    """In the program itself: a spawned process has other arguments, and --json may not wait for ever."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("-n", "--no-ask", action="store_true", help="accepted, as the lesson in C has it")
    parser.add_argument("-b", "--break", action="store_true", dest="broken", help="take the mechanism away")
    parser.add_argument("-j", "--json", action="store_true", help="print what was shown and noted as JSON")
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
    """Ends the twin where so many can't be used."""
    if len(os.sched_getaffinity(0)) < count:
        sys.stderr.write(f"this needs {count} CPUs that it may use\n")
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
    """What has to be so, on whatever machine; the same words as the lesson in C has them."""
    _show(shown, False, "=" if shown else "! did not show itself:", text)


def measured(shown, text):
    """The same of how long something takes, or of what chance decides: a busy machine may hide it."""
    _show(shown, True, "≈" if shown else "? did not show itself this time:", text)


def note(name, *values):
    """What was measured, by a name that the lesson in C asks for: it judges the tutorials' claim by it."""
    _noted.setdefault(name, []).extend(float(value) for value in values)


def end():
    """What to exit with."""
    if _options.json:
        json.dump({"facts": _facts, "noted": _noted}, sys.stdout)
    if not _facts or any(not one["shown"] and not one["measured"] for one in _facts):
        return 1
    if all(one["shown"] for one in _facts):
        return 0
    if not _options.json and not is_broken():
        print("\nSomething may have kept this machine busy. Run it again when it is quiet.")
    return 4
