"""Keys that are pressed while a table is on the terminal."""

from __future__ import annotations

import os
import re
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import trio

from rta.cli.paging import Pager

__all__ = ["KEYS", "read_keys", "turn_pages", "watch_keys"]

KEYS = "↑ ↓ PgUp PgDn q"

_TURN = 5.0  # seconds for a page, where there is no keyboard
_KEY = re.compile(rb"\x1b[\[O]([0-9;]*[A-Za-z~])|.", re.DOTALL)
_SEQUENCES = {
    b"A": "up", b"B": "down", b"5~": "page up", b"6~": "page down", b"H": "home", b"1~": "home", b"7~": "home",
    b"F": "end", b"4~": "end", b"8~": "end",
}  # fmt: skip
_LETTERS = {
    b"k": "up", b"j": "down", b"b": "page up", b" ": "page down", b"g": "home", b"G": "end", b"q": "quit",
}  # fmt: skip


def read_keys(data: bytes) -> Iterator[str]:
    """The names of the keys in what a terminal sends; those without a meaning here are left out."""
    for match in _KEY.finditer(data):
        name = _LETTERS.get(match[0]) if match[1] is None else _SEQUENCES.get(match[1])
        if name is not None:
            yield name


async def turn_pages(pager: Pager, leave: Callable[[], None]) -> None:
    """Let keys turn the pages of a table, until cancelled; `leave` is called when somebody wants to end.

    Where nobody can press one, the pages turn by themselves.
    """
    with watch_keys() as terminal:
        if terminal is None:
            while True:
                await trio.sleep(_TURN)
                pager.turn()
        pager.keys = KEYS
        while True:
            await trio.lowlevel.wait_readable(terminal)
            data = os.read(terminal, 1024)
            if not data:  # the terminal has gone
                await trio.sleep_forever()
            for key in read_keys(data):
                if key == "quit":
                    leave()
                pager.handle(key)


@contextmanager
def watch_keys() -> Iterator[int | None]:
    """The descriptor of the terminal whose keys come one by one while the block runs; None: there is no keyboard."""
    try:
        terminal = sys.stdin.fileno()
        if not os.isatty(terminal) or os.tcgetpgrp(terminal) != os.getpgrp():  # in the background we would be stopped
            terminal = -1
    except (OSError, ValueError, AttributeError):  # it is closed
        terminal = -1
    if terminal < 0:
        yield None
        return
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        yield terminal
    finally:
        with suppress(termios.error, OSError):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
