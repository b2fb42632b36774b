"""Events that are collected to be sent as one message, or as two."""

from __future__ import annotations

from rta.rsmp.message import StatusMessage, StreamEvent

__all__ = ["LIMIT", "EventBatch", "encoded_size"]

LIMIT = 64 * 1024
"""Bytes of a message, encoded."""

_MESSAGE = len(b"\xa1\x67entries") + 3  # with the head of a list of up to 65535
_EVENT = len(b"\xa3\x62ts\x78\x182026-11-21T02:57:58.716Z\x66values\x63seq")


class EventBatch:
    """The events collected since the last message."""

    __slots__ = ("_events", "_size")

    def __init__(self) -> None:
        self._events: list[StreamEvent] = []
        self._size = _MESSAGE

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: StreamEvent) -> list[StatusMessage]:
        """Add an event. Messages of earlier events, if one with all of them would be longer than LIMIT."""
        size = _EVENT + encoded_size(event.seq) + encoded_size(event.values)
        out = self.flush() if self._size + size > LIMIT else []
        self._events.append(event)
        self._size += size
        return out

    def flush(self) -> list[StatusMessage]:
        """All events as messages. Only a message whose last event is complete may be retained. So where the last event
        is not complete, the last complete one ends a message of its own."""
        events, self._events, self._size = tuple(self._events), [], _MESSAGE
        cut = next((i for i in range(len(events), 0, -1) if events[i - 1].complete), 0)
        parts = ((events[:cut], True), (events[cut:], False))
        return [StatusMessage(part, retain) for part, retain in parts if part]


def encoded_size(value: object) -> int:
    """The bytes of a value in CBOR, with floats of 8 bytes."""
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, float):
        return 9
    if isinstance(value, int):
        return _head(value if value >= 0 else -1 - value)
    if isinstance(value, str):
        length = len(value) if value.isascii() else len(value.encode(errors="replace"))
        return _head(length) + length
    if isinstance(value, dict):
        return _head(len(value)) + sum(encoded_size(key) + encoded_size(part) for key, part in value.items())
    raise TypeError(f"{type(value).__name__} is not a value of a status")


def _head(number: int) -> int:
    return 1 if number < 24 else 2 if number < 1 << 8 else 3 if number < 1 << 16 else 5 if number < 1 << 32 else 9
