"""How far something is that a command does by itself: a bar on a terminal, once it takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

__all__ = ["share_bar"]

_AFTER = 0.5  # seconds


@contextmanager
def share_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show what the block says from 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    columns = (TextColumn(label), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, visible=False)
        start = time.monotonic()

        def show(share: float) -> None:
            bar.update(task, completed=share, visible=time.monotonic() - start > _AFTER)

        yield show
