"""Follows a client's frames: how many are handed on at once, and that a message is not made of frames without end."""

from __future__ import annotations

__all__ = ["FrameMeter"]

_LEAST = 64  # bytes that each frame of a message counts as
_AT_ONCE = 32  # frames handed on in one piece: the library handles a piece without letting anybody else run
_CONTROL = 8  # opcodes from here on
_MASK = 4  # bytes
_LENGTHS = {126: 2, 127: 8}  # bytes that the length takes, besides the seven bits


class FrameMeter:
    """Is fed what a client sends, in any pieces."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes of a message, each frame counting as 64 at least."""
        self._limit = limit
        self._head = bytearray()
        self._payload = 0
        self._frames = self._size = 0
        self.exceeded = False
        """A message is over the limit, and of more than one frame; of one frame, the library tells."""

    def feed(self, data: bytes) -> int:
        """How many of the bytes are to be handed on; the others are to be fed again."""
        at = frames = 0
        while at < len(data) and not self.exceeded:
            if self._payload:
                step = min(self._payload, len(data) - at)
                self._payload -= step
                at += step
                continue
            if frames == _AT_ONCE and not self._head:
                break
            missing = self._missing()
            self._head += data[at : at + missing]
            at += min(missing, len(data) - at)
            if not self._missing():
                self._begin()
                frames += 1
        return at

    def _missing(self) -> int:
        """Bytes of the frame's head that are still to come, as far as it can be told."""
        if len(self._head) < 2:
            return 2 - len(self._head)
        second = self._head[1]
        size = 2 + _LENGTHS.get(second & 0x7F, 0) + (_MASK if second & 0x80 else 0)
        return size - len(self._head)

    def _begin(self) -> None:
        first, second = self._head[0], self._head[1]
        length = second & 0x7F
        if length in _LENGTHS:
            length = int.from_bytes(self._head[2 : 2 + _LENGTHS[length]], "big")
        self._head.clear()
        self._payload = length
        if first & 0x0F >= _CONTROL:
            return
        self._frames += 1
        self._size += max(length, _LEAST)
        self.exceeded = self._frames > 1 and self._size > self._limit
        if first & 0x80:
            self._frames = self._size = 0
