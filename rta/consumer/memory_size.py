"""How large values and events are, about. Plain code."""

from __future__ import annotations

from typing import Any

from rta.consumer.events import AlarmChanged, EntriesReceived, Event

__all__ = ["characters", "event_memory_size"]

_NO_TEXT = 8  # characters that any other value counts as
_EVENT, _ENTRY, _VALUE = 200, 300, 72  # bytes of memory, without what is inside
_CHARACTER = 2  # bytes of one, between those of Latin and of all others


def characters(value: Any) -> int:
    """The characters in a value, keys included: what the bound of a node's picture counts."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return _NO_TEXT + sum(characters(v) for v in value)
    if isinstance(value, dict):
        return _NO_TEXT + sum(len(k) + characters(v) for k, v in value.items())
    return _NO_TEXT


def event_memory_size(event: Event) -> int:
    """Bytes of memory that an event takes while it waits."""
    if isinstance(event, EntriesReceived | AlarmChanged):
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
