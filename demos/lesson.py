"""What the Python twins of the lessons share: showing, and checking that what they claim has shown itself.

A twin takes the same options as its lesson: --break takes the mechanism away, so that the check fails;
--no-ask is accepted; --json prints what was shown and noted. It exits with 1 if something that it claims
did not show itself.
"""
import json
import sys

BAR = 44
_json = "--json" in sys.argv[1:]
_facts = []
_noted = {}


def is_broken():
    return "--break" in sys.argv[1:]


def say(text):
    if not _json:
        print("   ", text)


def bars(unit, *pairs):
    """A bar for each (label, value)."""
    widest = max(len(label) for label, _ in pairs)
    most = max(value for _, value in pairs)
    for label, value in pairs:
        length = round(BAR * value / most) if most > 0 else 0
        say(f"{label:{widest}}  {'█' * length + ' ' if length else '▏'}{value:.3g} {unit}")


def fact(shown, text):
    """The same words as the lesson in C has them."""
    _facts.append({"text": text, "shown": bool(shown)})
    if not _json:
        print("  =" if shown else "  ! did not show itself:", text, flush=True)


def note(name, *values):
    """What was measured, by a name that the lesson in C asks for: it judges the tutorials' claim by it."""
    _noted.setdefault(name, []).extend(float(value) for value in values)


def end():
    """What to exit with."""
    if _json:
        json.dump({"facts": _facts, "noted": _noted}, sys.stdout)
    return 0 if _facts and all(one["shown"] for one in _facts) else 1
