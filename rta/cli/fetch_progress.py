"""How `rta fetch` says how far it is: a bar over the time that is fetched, on a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from rta.cli.moments import clock
from rta.consumer import HistoryPage
from rta.wire.values import Ns

__all__ = ["FetchProgress", "show_progress"]

_REFRESH = 0.2  # seconds


@define
class FetchProgress:
    """How much of a time range has come."""

    since: Ns | None
    """None: from the first entry on, which is known when it is there."""
    until: Ns
    entries: int = 0
    newest: Ns | None = None

    def took(self, page: HistoryPage) -> None:
        """Another page has come."""
        self.entries += len(page.entries)
        if page.entries:
            if self.since is None or page.beginning:
                self.since = page.entries[0].ts
            self.newest = max(self.newest or page.entries[-1].ts, page.entries[-1].ts)

    @property
    def share(self) -> float:
        """0 to 1. Entries are mostly in the order of time."""
        if self.newest is None or self.since is None:
            return 0.0
        whole = self.until - self.since
        return 1.0 if whole <= 0 else min(max((self.newest - self.since) / whole, 0.0), 1.0)

    def text(self) -> str:
        """In words."""
        return f"{self.entries} entries" + (f", up to {clock(self.newest)}" if self.newest is not None else "")


@asynccontextmanager
async def show_progress(progress: FetchProgress, terminal: bool) -> AsyncIterator[None]:
    """Meanwhile, say how far it is, on standard error."""
    if not terminal:
        yield
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_bar, progress)
        yield
        nursery.cancel_scope.cancel()


async def _bar(progress: FetchProgress) -> None:
    bar = Bar(BarColumn(), TextColumn("{task.percentage:>3.0f} %  {task.description}", markup=False))
    task = bar.add_task("", total=1.0)
    with Live(bar, console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while True:
            bar.update(task, completed=progress.share, description=progress.text())
            live.refresh()
            await trio.sleep(_REFRESH)
