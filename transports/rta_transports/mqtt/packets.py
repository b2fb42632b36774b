"""PUBLISH packets out, and where packets begin and end on the way in. Plain code.

paho writes and reads the packets that are rare; those that come by the thousand are made and recognised here.
Source: MQTT 5.0, sections 2.1.4 (lengths), 2.2.2 (properties), 3.3 (PUBLISH), 3.4 (PUBACK).
"""

from __future__ import annotations

from collections.abc import Iterator

from rta.errors import MalformedError

__all__ = ["PUBACK", "PacketReader", "acknowledgement", "packed_properties", "packed_string", "publish_packet"]

PUBACK = 0x40
_PUBLISH = 0x30
_QOS_1 = 0x02
_RETAIN = 0x01
_RESPONSE_TOPIC = 0x08
_CORRELATION = 0x09
_LONGEST = 268_435_455


def packed_string(data: bytes) -> bytes:
    """With its length in front.

    :raises ValueError: longer than 65535 bytes.
    """
    if len(data) > 0xFFFF:
        raise ValueError(f"{len(data)} bytes are too many; there may be 65535")
    return len(data).to_bytes(2, "big") + data


def packed_properties(response_topic: str | None, correlation: bytes | None) -> bytes:
    """With their length in front.

    :raises ValueError: one of them is too long.
    """
    data = b""
    if response_topic is not None:
        data += bytes((_RESPONSE_TOPIC,)) + packed_string(response_topic.encode())
    if correlation is not None:
        data += bytes((_CORRELATION,)) + packed_string(correlation)
    return _packed_length(len(data)) + data


def publish_packet(
    topic: bytes, payload: bytes, *, retain: bool = False, mid: int = 0, properties: bytes = b"\0"
) -> bytes:
    """`topic` and `properties` as packed above. With a `mid` it is of QoS 1.

    :raises ValueError: longer than MQTT allows.
    """
    first = _PUBLISH | _RETAIN if retain else _PUBLISH
    length = len(topic) + len(properties) + len(payload)
    if mid:
        first |= _QOS_1
        length += 2
        topic += mid.to_bytes(2, "big")
    head = bytes((first, length)) if length < 128 else bytes((first,)) + _packed_length(length)
    return b"".join((head, topic, properties, payload))


def _packed_length(n: int) -> bytes:
    if n > _LONGEST:
        raise ValueError(f"{n} bytes are too many for a packet")
    out = bytearray()
    while True:
        n, low = n >> 7, n & 0x7F
        out.append(low | 0x80 if n else low)
        if not n:
            return bytes(out)


def acknowledgement(packet: bytes) -> tuple[int, int]:
    """Packet id and reason code of a PUBACK.

    :raises MalformedError: cut off.
    """
    body = 2
    while packet[body - 1] & 0x80:  # a reason in words may make it long
        body += 1
    rest = packet[body:]
    if len(rest) < 2:
        raise MalformedError("mqtt", "an acknowledgement of nothing")
    return int.from_bytes(rest[:2], "big"), rest[2] if len(rest) > 2 else 0


class PacketReader:
    """Cuts what is received into packets."""

    def __init__(self, max_packet: int) -> None:
        self._max = max_packet
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The packets that are complete now.

        :raises MalformedError: what follows is no packet, or too large a one.
        """
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        while True:
            length, shift, body = 0, 0, at + 1
            while body < size and shift < 28:
                byte = data[body]
                length |= (byte & 0x7F) << shift
                shift, body = shift + 7, body + 1
                if not byte & 0x80:
                    break
            else:
                if shift >= 28:
                    raise MalformedError("mqtt", "the length of a packet has more than four bytes")
                break
            end = body + length
            if end - at > self._max:
                raise MalformedError("mqtt", f"a packet of {end - at} bytes; we take {self._max}")
            if end > size:
                break
            yield data[at:end]
            at = end
        self._rest = data[at:]
