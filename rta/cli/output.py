"""Where a command writes: standard output, or a file that is there when all of it is written."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click

__all__ = ["opened_output"]


@contextmanager
def opened_output(path: Path | None) -> Iterator[IO[str]]:
    """Text. What was in the file before is lost only when the block ends without an error.

    :raises FileError: it cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    try:
        if path.exists() and not path.is_file():  # a pipe, a device
            with _text(path) as out:
                yield out
            return
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(handle)
        try:
            with _text(Path(name)) as out:
                yield out
            os.chmod(name, mode)
            os.replace(name, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as e:
        raise click.FileError(str(path), e.strerror) from None


def _text(path: Path) -> IO[str]:
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
