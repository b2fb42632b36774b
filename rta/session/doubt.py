"""Whether the session JSON of a record is newer than the one that came by the stream."""

from __future__ import annotations

__all__ = ["Doubt"]


class Doubt:
    """Record and stream are not written together. A session JSON that differs is believed when it is still there at the
    second comparison, and nothing has come by the stream in between."""

    def __init__(self) -> None:
        self._doubted: str | None = None
        """A session JSON of the record that differs from ours, as of the last comparison."""

    def settle(self) -> None:
        """A session JSON has come by the stream, or has been believed."""
        self._doubted = None

    def believes(self, own: str | None, text: str | None) -> bool:
        """Whether the session JSON of a fresh record, which may have none, is to replace our own."""
        if text is None or text == own:
            self._doubted = None
        elif own is None or self._doubted == text:
            return True
        else:
            self._doubted = text
        return False
