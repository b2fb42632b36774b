"""The progress of `rta publish`: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
import trio
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from rta.cli.losses import Losses
from rta.formatting import printable
from rta.ports import OpenSession, SourceUpdate
from rta.wire import Burst, TimeRange, glance
from rta.writer import Writer, WriterObserver

__all__ = ["PublishProgress", "show_progress"]

_REFRESH = 0.2  # seconds
_TOLD = 10  # faults at the moment they come; the end tells the rest
_LINES = 10.0  # seconds between two lines of progress


class PublishProgress(WriterObserver):
    """What has been written so far. Also the `Reporter` of the source."""

    def __init__(self, terminal: bool, prefix: str = "") -> None:
        """`prefix`: what every detail begins with, and nobody needs to read again and again."""
        self._prefix = prefix
        self.terminal = terminal
        self.begun = False
        """Whether a session has been opened."""
        self._identity = ""
        self._reason: str | None = None
        self._span: TimeRange | None = None
        self._bursts = self._bytes = 0
        self.losses = Losses()
        self._state = ""
        self._told: set[str] = set()

    # ---- what happens

    def took(self, update: SourceUpdate) -> None:
        if isinstance(update, OpenSession):
            self.begun, self._identity, self._span, self._state = True, update.identity, None, ""
            self._say(f"session {self._identity} opened")

    def wrote(self, identity: str, burst: Burst) -> None:
        self._bursts += 1
        self._bytes += burst.raw_size
        self._span = TimeRange.union_of(self._span, burst.time_range)
        for text in burst.session_json:
            seen = glance(text)
            if seen.state.is_closed:
                self._state = seen.state.name.lower()
                self._span = TimeRange.union_of(self._span, seen.span)

    def failing(self, reason: str | None) -> None:
        self._reason = reason
        self._say(f"waiting: {reason}" if reason is not None else "writing again")

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        detail = detail.removeprefix(self._prefix)
        if self.losses.add(part, kind, detail) and len(self._told) < _TOLD:
            self._told.add(detail)
            click.echo(f"left out: {printable(detail)}", err=True)

    def notice(self, source: str, kind: str, detail: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            click.echo(printable(detail.removeprefix(self._prefix)), err=kind != "layout")

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        match metric:
            case "rta_source_cells_total":
                self.losses.cells += amount
            case "rta_source_cells_lost_total":
                self.losses.lost += amount

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...

    # ---- how it is shown

    def line(self, writer: Writer) -> str:
        """The progress in a line."""
        waiting = f", {writer.waiting / 1e6:.1f} MB waiting" if writer.waiting > 1e6 or self._reason else ""
        return f"{self._seconds():.1f} s, {self._bursts} bursts, {self._bytes / 1e6:.2f} MB{waiting}"

    def note(self) -> str:
        return f"waiting: {self._reason}" if self._reason is not None else f"session {self._identity}"

    def end(self, caught: list[int]) -> None:
        """Print the last line."""
        if self.begun:
            state = self._state or "not closed"
            click.echo(
                f"session {self._identity} {state}: {self._seconds():.1f} s, {self._bursts} bursts, "
                f"{self._bytes / 1e6:.2f} MB"
            )
        for line in self.losses.summary():
            click.echo(line, err=True)

    def _seconds(self) -> float:
        return 0.0 if self._span is None else (self._span.end - self._span.start) / 1e9

    def _say(self, text: str) -> None:
        if not self.terminal:
            click.echo(text)


@asynccontextmanager
async def show_progress(progress: PublishProgress, writer: Writer) -> AsyncIterator[None]:
    """Show the progress while the block runs."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_bar if progress.terminal else _lines, progress, writer)
        yield
        nursery.cancel_scope.cancel()


async def _lines(progress: PublishProgress, writer: Writer) -> None:
    while True:
        await trio.sleep(_LINES)
        click.echo(progress.line(writer))


async def _bar(progress: PublishProgress, writer: Writer) -> None:
    # Only the source knows how long the recording is, so the bar has no end.
    bar = Bar(SpinnerColumn(), BarColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    task = bar.add_task("", total=None)
    with Live(console=Console(), auto_refresh=False, transient=True) as live:
        while True:
            bar.update(task, description=progress.line(writer))
            both = Table.grid()
            both.add_row(bar)
            both.add_row(Text(progress.note(), "dim", no_wrap=True, overflow="ellipsis"))
            live.update(both, refresh=True)
            await trio.sleep(_REFRESH)
