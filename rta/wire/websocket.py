"""Server-side WebSocket framing of data: unmasked, final, binary; the same bytes for every client. RFC 6455, 5.2."""

from __future__ import annotations

__all__ = ["PING", "SUBPROTOCOL", "frame"]

SUBPROTOCOL = "mat.ocs.rta.stream-lz4"

PING = b"\x89\x00"
"""An empty ping."""


def frame(payload: bytes) -> bytes:
    """One whole binary message."""
    n = len(payload)
    if n < 126:
        return bytes((0x82, n)) + payload
    if n < 65536:
        return b"\x82\x7e" + n.to_bytes(2, "big") + payload
    return b"\x82\x7f" + n.to_bytes(8, "big") + payload
