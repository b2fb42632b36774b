"""A file that others write to, and whose bytes go on at once."""

from __future__ import annotations

__all__ = ["ByteSink"]


class ByteSink:
    """What has been written since the last `drain`."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def write(self, data: bytes) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        """Bytes written in all."""
        return self._position

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def drain(self) -> bytes:
        """The bytes that nobody has got yet."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
