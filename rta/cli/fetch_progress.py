"""The progress of `rta fetch`: a bar over the time range, on a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import define
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from rta.background import in_background
from rta.cli.times import format_time
from rta.consumer import HistoryPage
from rta.wire.values import Ns

__all__ = ["FetchProgress", "show_progress"]

_REFRESH = 0.2  # seconds


@define
class FetchProgress:
    """How much of a time range has been fetched."""

    since: Ns | None
    """None: from the first entry on, whose time is known when it has come."""
    until: Ns
    entries: int = 0
    newest: Ns | None = None

    def add(self, page: HistoryPage) -> None:
        """Count a page that has come."""
        self.entries += len(page.entries)
        if page.entries:
            if self.since is None or page.beginning:
                self.since = page.entries[0].ts
            self.newest = max(self.newest or page.entries[-1].ts, page.entries[-1].ts)

    @property
    def share(self) -> float:
        """From 0 to 1; entries come mostly in the order of their times."""
        if self.newest is None or self.since is None:
            return 0.0
        whole = self.until - self.since
        return 1.0 if whole <= 0 else min(max((self.newest - self.since) / whole, 0.0), 1.0)

    def text(self) -> str:
        """The progress in words."""
        return f"{self.entries} entries" + (f", up to {format_time(self.newest)}" if self.newest is not None else "")


@asynccontextmanager
async def show_progress(progress: FetchProgress, terminal: bool) -> AsyncIterator[None]:
    """Show the progress on standard error while the block runs."""
    if not terminal:
        yield
        return
    async with in_background(partial(_bar, progress)):
        yield


async def _bar(progress: FetchProgress) -> None:
    bar = Bar(BarColumn(), TextColumn("{task.percentage:>3.0f} %  {task.description}", markup=False))
    task = bar.add_task("", total=1.0)
    with Live(bar, console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while True:
            bar.update(task, completed=progress.share, description=progress.text())
            live.refresh()
            await trio.sleep(_REFRESH)
