"""What the Python twins of the lessons share: showing, and checking that what they claim has shown itself.

A twin takes the same options as its lesson: --break takes the mechanism away, so that the check fails;
--no-ask is accepted. It exits with 1 if something that it claims did not show itself.
"""
import sys

BAR = 44
_missing = []
_facts = []


def is_broken():
    return "--break" in sys.argv[1:]


def say(text):
    print("   ", text)


def bars(unit, *pairs):
    """A bar for each (label, value)."""
    widest = max(len(label) for label, _ in pairs)
    most = max(value for _, value in pairs)
    for label, value in pairs:
        length = round(BAR * value / most) if most > 0 else 0
        print(f"    {label:{widest}}  {'█' * length + ' ' if length else '▏'}{value:.3g} {unit}")


def fact(shown, text):
    """The same words as the lesson in C has them."""
    _facts.append(text)
    if not shown:
        _missing.append(text)
    print("  =" if shown else "  ! did not show itself:", text, flush=True)


def end():
    """What to exit with."""
    return 1 if _missing or not _facts else 0
