"""The configuration documents that sources have published."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Configurations"]


class Configurations:
    """By identifier, bounded in characters; those longest unpublished go first."""

    def __init__(self, bound: int = 64 << 20) -> None:
        self._bound = bound
        self._size = 0
        self._texts: OrderedDict[str, str] = OrderedDict()

    def add(self, identifier: str, text: str) -> None:
        """Publish; the same again is nothing new."""
        old = self._texts.pop(identifier, None)
        self._size += len(text) - len(old or "")
        self._texts[identifier] = text
        while self._size > self._bound and len(self._texts) > 1:
            _, dropped = self._texts.popitem(last=False)
            self._size -= len(dropped)

    def get(self, identifier: str) -> str | None:
        """The document, if it is known."""
        return self._texts.get(identifier)
