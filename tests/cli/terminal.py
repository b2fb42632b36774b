"""A program on a terminal of its own, whose keys are pressed and whose text is read by the test."""

from __future__ import annotations

import os
import select
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from program import PATIENCE, Program

__all__ = ["Terminal", "on_terminal"]


class Terminal:
    """The side of a terminal where a person sits."""

    def __init__(self, program: Program, ours: int) -> None:
        self.program = program
        self._ours = ours
        self._raw = b""
        self._from = 0

    def press(self, keys: str) -> None:
        """What is read from here on counts as seen after these keys."""
        self._read(0)
        self._from = len(self._raw)
        os.write(self._ours, keys.encode())

    def until(self, text: str) -> None:
        """Read until the program has said something."""
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self._raw[self._from :]:
            assert time.monotonic() < deadline, f"waited in vain for {text!r} in {self._raw[-3000:]!r}"
            self._read(0.1)

    def ends(self) -> int:
        """Read until the program has ended: its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.program.running:
            assert time.monotonic() < deadline, f"waited in vain for the end of {self.program}"
            self._read(0.05)
        self._read(0)
        return self.program.ends()

    @property
    def text(self) -> str:
        """All that has been seen."""
        return self._raw.decode(errors="replace")

    @property
    def mode(self) -> list[Any]:
        """How the terminal treats keys."""
        return termios.tcgetattr(self._ours)

    def _read(self, seconds: float) -> None:
        while select.select([self._ours], [], [], seconds)[0]:
            self._raw += os.read(self._ours, 1 << 16)
            seconds = 0


@contextmanager
def on_terminal(
    start: Callable[..., Program], *arguments: object, columns: int, lines: int, **environ: str
) -> Iterator[Terminal]:
    """Start `rta` on a terminal of this size."""
    ours, theirs = os.openpty()
    try:
        sizes = {"COLUMNS": str(columns), "LINES": str(lines)}
        yield Terminal(start(*arguments, terminal=theirs, TERM="xterm", **sizes, **environ), ours)
    finally:
        os.close(theirs)
        os.close(ours)
