"""What status messages are made of: values, components, and events."""

from __future__ import annotations

from typing import NewType

from attrs import frozen

from rta.wire.values import Ns

__all__ = ["PLAIN", "Component", "StreamEvent", "StatusMessage", "Value", "Values"]

Component = NewType("Component", str)
"""As in `sg/1`."""

PLAIN = Component("")
"""In place of a component, for an attribute that has none."""

Value = float | int | str | bool | None
"""Finite; None is null."""

Values = dict[str, Value | dict[Component, Value]]
"""By attribute, or `attribute.aggregate`; a map where the attribute has components."""


@frozen(slots=True)
class StreamEvent:
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

    events: tuple[StreamEvent, ...]
    retain: bool
