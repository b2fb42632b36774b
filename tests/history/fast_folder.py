"""A folder in memory, where there is such a thing: so much is committed that a disk would take its time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["in_memory"]

_MEMORY = Path("/dev/shm")


@contextmanager
def in_memory() -> Iterator[Path]:
    """Gone when it is left."""
    with tempfile.TemporaryDirectory(prefix="rta-", dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        yield Path(name)
