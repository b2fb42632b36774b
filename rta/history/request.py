"""What a fetch asks for: a range of time.

Source: docs/rsmp.md, "History and fetch".
"""

from __future__ import annotations

from attrs import frozen

from rta.errors import MalformedError
from rta.rsmp.payload import iso, parse_iso, read_map
from rta.wire.values import Ns

__all__ = ["Range", "read_range"]


@frozen
class Range:
    """Stream time; None is open."""

    since: Ns | None = None
    """Included."""
    until: Ns | None = None
    """Not included."""


def read_range(payload: bytes) -> Range:
    """`{"from"?, "to"?}` from outside. A time before or after all that can be kept is as good as any other.

    :raises MalformedError: kind `cbor`, `type`, `time`, or `range`: it ends before it begins, or as it begins.
    """
    asked = read_map(payload)
    since, until = (None if (t := asked.get(key)) is None else parse_iso(t, nearest=True) for key in ("from", "to"))
    if since is not None and until is not None and since >= until:
        raise MalformedError("range", f"expected a time after {iso(since)} as to, got {iso(until)}")
    return Range(since, until)
