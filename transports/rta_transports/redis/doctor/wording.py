"""Ages as people say them, and lists that do not get long."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["age", "listed", "quoted"]

_AGES = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def age(ms: float) -> str:
    """Milliseconds, in the unit that leaves two digits or so."""
    for length, unit in _AGES:
        if abs(ms) >= 2 * length:
            return f"{ms / length:.0f} {unit}"
    return f"{ms / 1000:.1f} s" if abs(ms) >= 1000 else f"{ms:.0f} ms"


def quoted(name: str) -> str:
    """A name from outside, without what would be done to a terminal, cut short."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
    return f'"{text}"' if len(text) <= 80 else f'"{text[:79]}…"'


def listed(names: Sequence[str], most: int = 5) -> str:
    """Some of the names, and how many more there are."""
    shown = ", ".join(quoted(n) for n in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
