"""Which rows of a table are shown where not all have room. No I/O, no clock."""

from __future__ import annotations

from attrs import define

__all__ = ["Pager"]


@define
class Pager:
    """The page of a table that is drawn again and again, while rows are added and the terminal changes its size."""

    keys: str = ""
    """How pages are turned, for the line below the table."""
    _first: int = 0
    _room: int = 1
    _total: int = 0

    def page(self, total: int, room: int) -> slice:
        """Which of `total` rows to show, where `room` have room."""
        self._total, self._room = total, max(room, 1)
        self._move(self._first)
        return slice(self._first, self._first + self._room)

    def handle(self, key: str) -> None:
        """Do what a key says: up, down, page up, page down, home, end. Others do nothing."""
        steps = {"up": -1, "down": 1, "page up": -self._room, "page down": self._room}
        if key == "home":
            self._first = 0
        elif key == "end":
            self._move(self._total)
        elif key in steps:
            self._move(self._first + steps[key])

    def turn(self) -> None:
        """Go to the next page; after the last comes the first."""
        self._first = self._first + self._room if self._first + self._room < self._total else 0

    @property
    def text(self) -> str:
        """Which rows are shown, and how to see the others."""
        last = min(self._first + self._room, self._total)
        where = f"rows {min(self._first + 1, last)}-{last} of {self._total}"
        return f"{where}  {self.keys}" if self.keys and self._room < self._total else where

    def _move(self, first: int) -> None:
        self._first = max(min(first, self._total - self._room), 0)
