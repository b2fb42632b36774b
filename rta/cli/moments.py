"""Times and ages: as they are written on the command line, and as tables show them."""

from __future__ import annotations

import click

from rta.errors import MalformedError
from rta.options.values import parse_duration
from rta.rsmp.payload import iso, parse_iso
from rta.wire.values import Ns

__all__ = ["age", "clock", "read_moment"]


def read_moment(text: str, now: Ns, option: str) -> Ns:
    """An ISO time, a duration back from now such as 1h or -15min, or `now`.

    :raises BadParameter: it is none, naming the option.
    """
    if text.strip() == "now":
        return now
    try:
        return parse_iso(text.strip())
    except MalformedError:
        pass
    try:
        return Ns(now - round(parse_duration(text.strip().removeprefix("-")) * 1e9))
    except ValueError:
        expected = "expected a time as 2026-11-21T10:45:00Z, or how long ago, as 15min or 1h30m"
        raise click.BadParameter(f"{expected}; got {text!r}", param_hint=option) from None


def age(seconds: float) -> str:
    """Short: 0.3 s, 12 s, 5 min, 3 h, 2 d; what is ahead of our clock has a sign."""
    if seconds < 0:
        return "0.0 s" if seconds > -0.05 else f"-{age(-seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for unit, length, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def clock(ts: Ns) -> str:
    """To the second, in UTC; empty where it cannot be written."""
    try:
        return f"{iso(ts)[:19].replace('T', ' ')}Z"
    except (OverflowError, ValueError):
        return ""
