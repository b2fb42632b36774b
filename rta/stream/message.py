"""What a stream sends: events, and messages made of them."""

from __future__ import annotations

from attrs import frozen

from rta.stream.definition import Component, Ns

__all__ = ["Event", "StatusMessage", "Value", "Values", "unicode"]

Value = float | int | str | bool | None
"""Finite; None is null."""

Values = dict[str, Value | dict[Component, Value]]
"""By attribute, or `attribute.aggregate`; a map where the attribute has components."""


def unicode(text: str) -> str:
    """Text that can be sent: JSON and conversions may bring halves of characters, which become question marks."""
    return text if text.isascii() else text.encode(errors="replace").decode()


@frozen(slots=True)
class Event:
    """An update of a stream: one entry of a status message."""

    ts: Ns
    """Stream time."""
    values: Values
    seq: int
    complete: bool
    """It holds all send-on-change attributes with all their components (aggregated: always)."""


@frozen(slots=True)
class StatusMessage:
    """One message on the status topic."""

    events: tuple[Event, ...]
    retain: bool
