"""A bar on a terminal, with the progress in words behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rta.background import in_background

__all__ = ["show_bar"]

_REFRESH = 0.2  # seconds


@asynccontextmanager
async def show_bar(share: Callable[[], float], text: Callable[[], str], terminal: bool) -> AsyncIterator[None]:
    """Show the progress on standard error while the block runs, if that is a terminal. `share`: from 0 to 1."""
    if not terminal:
        yield
        return
    async with in_background(partial(_show, share, text)):
        yield


async def _show(share: Callable[[], float], text: Callable[[], str]) -> None:
    percentage = TextColumn("{task.percentage:>3.0f} %  {task.description}", markup=False)
    bar = Progress(BarColumn(), percentage, TimeElapsedColumn())
    task = bar.add_task("", total=1.0)
    with Live(bar, console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        while True:
            bar.update(task, completed=share(), description=text())
            live.refresh()
            await trio.sleep(_REFRESH)
