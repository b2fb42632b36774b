"""A second reading of MQTT 5, for who listens in on a connection. It knows nothing of the service's own.

Source: MQTT 5.0, sections 2.1.4 (lengths), 3.3 (PUBLISH), 3.4 (PUBACK).
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

__all__ = ["PUBACK", "PUBLISH", "Packets", "Publish", "read_puback", "read_publish"]

PUBLISH, PUBACK = 3, 4
_REFUSED = 0x80  # reason codes from here on
_TOPIC_ALIAS = 0x23


@frozen
class Publish:
    """A message. `mid` is 0 with QoS 0."""

    topic: str
    payload: bytes
    mid: int
    retain: bool


class Packets:
    """Cuts what goes one way over a connection into packets."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """First byte and body of those that are complete now."""
        self._rest += data
        while (cut := _head(self._rest)) is not None:
            begin, end = cut
            if len(self._rest) < end:
                return
            first, body = self._rest[0], bytes(self._rest[begin:end])
            del self._rest[:end]
            yield first, body


def _head(data: bytearray) -> tuple[int, int] | None:
    """Where the body of the first packet begins and ends; None: that has not come yet."""
    length, at = 0, 1
    while at < len(data):
        byte = data[at]
        length |= (byte & 0x7F) << 7 * (at - 1)
        at += 1
        if not byte & 0x80:
            return at, at + length
        if at > 4:
            raise ValueError("the length of a packet has more than four bytes")
    return None


def read_publish(first: int, body: bytes) -> Publish:
    """:raises ValueError: it uses a topic alias, which nobody here may."""
    at = 2 + int.from_bytes(body[:2], "big")
    topic = body[2:at].decode()
    mid = 0
    if first & 0x06:
        mid, at = int.from_bytes(body[at : at + 2], "big"), at + 2
    size, at = _length(body, at)
    if not topic or (size and body[at] == _TOPIC_ALIAS):
        raise ValueError("a topic alias")
    return Publish(topic, body[at + size :], mid, bool(first & 1))


def _length(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def read_puback(body: bytes) -> tuple[int, bool]:
    """Which message, and whether it was taken."""
    return int.from_bytes(body[:2], "big"), len(body) < 3 or body[2] < _REFUSED
