"""Where a command writes: standard output, whose reader may be slow or go away, or a file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click
import trio

__all__ = ["allow_broken_pipe", "open_output", "write_lines"]

_TOGETHER = 1000  # lines that are written at once


@contextmanager
def open_output(path: Path | None) -> Iterator[IO[str]]:
    """Open a file for text, or standard output. An old file is replaced only when the block ends without an error.

    :raises FileError: it cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    try:
        if path.exists() and not path.is_file():  # a pipe, a device
            with _open_text(path) as out:
                yield out
            return
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(handle)
        try:
            with _open_text(Path(name)) as out:
                yield out
            os.chmod(name, mode)
            os.replace(name, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as e:
        raise click.FileError(str(path), e.strerror) from None


def _open_text(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def allow_broken_pipe() -> Iterator[None]:
    """End the block without an error when the reader of our standard output has gone."""
    try:
        yield
    except* BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush would fail once more


async def write_lines(lines: trio.MemoryReceiveChannel[str]) -> None:
    """Write lines to standard output until there are no more. A slow reader keeps nothing but this task waiting."""

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    async for line in lines:
        together = [line]
        with suppress(trio.WouldBlock, trio.EndOfChannel):
            while len(together) < _TOGETHER:
                together.append(lines.receive_nowait())
        await trio.to_thread.run_sync(write, "".join(f"{text}\n" for text in together), abandon_on_cancel=True)
