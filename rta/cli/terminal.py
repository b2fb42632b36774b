"""Texts from outside on a terminal: they are shown, never obeyed, neither as markup nor as control sequences."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import trio
from rich.text import Text

from rta.formatting import printable

__all__ = ["cell", "json_line", "lasting_pipe", "write_lines"]

_TOGETHER = 1000  # lines that are written at once


def cell(text: object, style: str = "") -> Text:
    """For a table: a bare string would be read as markup. None is nothing."""
    return Text("" if text is None else printable(str(text)), style)


def json_line(value: Any) -> str:
    """One line, in which even what JSON lets stand is escaped where a terminal would obey it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


@contextmanager
def lasting_pipe() -> Iterator[None]:
    """Whoever reads our output may have had enough: that ends the block, and is no error."""
    try:
        yield
    except* BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush would fail once more


async def write_lines(lines: trio.MemoryReceiveChannel[str]) -> None:
    """To standard output, flushed; whoever reads it may be slow, which keeps nothing but this task waiting."""

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    async for line in lines:
        together = [line]
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            while len(together) < _TOGETHER:
                together.append(lines.receive_nowait())
        await trio.to_thread.run_sync(write, "".join(f"{text}\n" for text in together), abandon_on_cancel=True)
