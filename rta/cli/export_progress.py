"""The progress of `rta export`: a bar over the time range, on a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from rta.background import in_background
from rta.cli.times import format_time
from rta.export import Export
from rta.wire.values import Ns

__all__ = ["show_export"]

_REFRESH = 0.2  # seconds


@asynccontextmanager
async def show_export(export: Export, terminal: bool) -> AsyncIterator[None]:
    """Show on standard error how far an export is, while the block runs."""
    if not terminal:
        yield
        return
    async with in_background(partial(_bar, export)):
        yield


async def _bar(export: Export) -> None:
    bar = Bar(
        BarColumn(), TextColumn("{task.percentage:>3.0f} %  {task.description}", markup=False), TimeElapsedColumn()
    )
    task = bar.add_task("", total=1.0)
    with Live(bar, console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while True:
            upto = "" if export.reached is None else f", up to {format_time(Ns(export.reached))}"
            bar.update(task, completed=export.share, description=f"{export.samples + export.events} samples{upto}")
            live.refresh()
            await trio.sleep(_REFRESH)
