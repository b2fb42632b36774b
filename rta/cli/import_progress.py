"""The progress of `rta import`: a bar over the bytes of all files, on a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import define, field
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from rta.background import in_background

__all__ = ["ImportProgress", "show_import"]

_REFRESH = 0.2  # seconds


@define
class ImportProgress:
    """How far several files are."""

    sizes: list[int]
    """Bytes of each."""
    shares: dict[int, float] = field(factory=dict)
    """Of each, from 0 to 1, by its number."""
    samples: dict[int, int] = field(factory=dict)
    done: int = 0

    @property
    def share(self) -> float:
        whole = sum(self.sizes)
        return sum(self.sizes[i] * share for i, share in self.shares.items()) / whole if whole else 1.0

    def text(self) -> str:
        """The progress in words."""
        return f"{self.done} of {len(self.sizes)} files, {sum(self.samples.values()) / 1e6:.1f} million samples"


@asynccontextmanager
async def show_import(progress: ImportProgress, terminal: bool) -> AsyncIterator[None]:
    """Show the progress on standard error while the block runs."""
    if not terminal:
        yield
        return
    async with in_background(partial(_bar, progress)):
        yield


async def _bar(progress: ImportProgress) -> None:
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.description}", markup=False),
        TimeElapsedColumn(),
    )
    bar = Bar(*columns)
    task = bar.add_task("", total=1.0)
    with Live(bar, console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while True:
            bar.update(task, completed=progress.share, description=progress.text())
            live.refresh()
            await trio.sleep(_REFRESH)
