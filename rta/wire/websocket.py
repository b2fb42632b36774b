"""Server-side WebSocket framing of data: unmasked and final; the same bytes for every client. RFC 6455, 5.2."""

from __future__ import annotations

__all__ = ["PING", "SUBPROTOCOL", "frame", "text_frame"]

SUBPROTOCOL = "mat.ocs.rta.stream-lz4"

PING = b"\x89\x00"
"""An empty ping."""


_TEXT = 0x81
_BINARY = 0x82


def frame(payload: bytes, opcode: int = _BINARY) -> bytes:
    """One whole binary message."""
    n = len(payload)
    if n < 126:
        return bytes((opcode, n)) + payload
    if n < 65536:
        return bytes((opcode, 126)) + n.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + n.to_bytes(8, "big") + payload


def text_frame(text: str) -> bytes:
    """One whole text message."""
    return frame(text.encode(), _TEXT)
