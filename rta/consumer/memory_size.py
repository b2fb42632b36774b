"""How much memory an event takes while it waits, about. Plain code."""

from __future__ import annotations

from typing import Any

from rta.consumer.events import AlarmChanged, Event, HistoryReceived, ReplayReceived, StatusReceived

__all__ = ["event_memory_size"]

_EVENT, _ENTRY, _VALUE = 200, 300, 72  # bytes, without what is inside
_CHARACTER = 2  # bytes of one, between those of Latin and of all others


def event_memory_size(event: Event) -> int:
    """Bytes."""
    if isinstance(event, StatusReceived | ReplayReceived | HistoryReceived | AlarmChanged):
        return _EVENT + sum(_ENTRY + _bytes(entry.values) for entry in event.entries)
    return _EVENT


def _bytes(value: Any) -> int:
    if isinstance(value, str):
        return _VALUE + _CHARACTER * len(value)
    if isinstance(value, list):
        return _VALUE + sum(map(_bytes, value))
    if isinstance(value, dict):
        return _VALUE + sum(_bytes(k) + _bytes(v) for k, v in value.items())
    return _VALUE
