"""Counters that begin again: at a power of two of some unit, with their digits full, or with the hour, day or week."""

from __future__ import annotations

__all__ = ["rolled_over"]

_SECOND = 10**9
_CLOCKS = tuple(seconds * _SECOND for seconds in (3600, 43_200, 86_400, 604_800))
_BITS = (16, 24, 31, 32)
_UNITS = (1, 10**3, 10**6, 10**7, 10**8, 10**9)  # ns of what is counted, perhaps shown in a larger unit
_DIGITS = range(3, 13)
_NEAR = 4  # usual steps to the limit, and beyond
_NEAR_LARGE = 64
_LARGE = 10_000  # steps in a round: nothing ends there by chance
_SHORT = 32  # steps in a round at least; a row may be late by so many
_SHORTEST = 8  # when it goes on with the usual step


def rolled_over(before: int, after: int, step: int, unit: int) -> int:
    """ns that a counter has begun anew with, between two times (ns); 0: it has not.

    `step` is the usual step; `unit` one count, 0 for a clock; all in ns.
    """
    for width in _widths(unit):
        beyond = after + width - before
        near = (_NEAR_LARGE if width > _LARGE * step else _NEAR) * max(step, 1)
        known = width >= _SHORT * step or (width >= _SHORTEST * step and 2 * beyond <= 3 * step)
        if known and 0 < beyond <= near and (0 <= after <= near or abs(after + width // 2) <= near):
            return width
    return 0


def _widths(unit: int) -> list[int]:
    """Powers of two first: 2^32 ms are as long in s."""
    if not unit:
        return list(_CLOCKS)
    counts = sorted({u for u in _UNITS if u < unit} | {unit}, reverse=True)
    return [u << bits for u in counts for bits in _BITS] + [unit * 10**k for k in _DIGITS] + list(_CLOCKS)
