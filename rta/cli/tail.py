"""`rta tail`: a live table of a session in the terminal, or its samples as lines of JSON."""

from __future__ import annotations

import math
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click
import trio
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rta.cli.output import allow_broken_pipe
from rta.cli.place import url_option
from rta.cli.text import cell, json_line
from rta.client import RestClient
from rta.client.decode import Decoder
from rta.client.follow import SessionObserver, find_session, follow_session
from rta.client.latest_values import LatestValues, sparkline
from rta.errors import RtaError, first_error
from rta.formatting import printable
from rta.wire import SessionModel, TimeRange
from rta.wire.burst import Burst

__all__ = ["command"]

_REFRESH = 0.2  # seconds


@click.command("tail")
@click.argument("session", default="latest")
@url_option
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each sample, for pipes.")
@click.option("-p", "--parameter", "only", multiple=True, help="Only this parameter (id or name); may be repeated.")
def command(session: str, url: str, as_json: bool, only: tuple[str, ...]) -> None:
    """Follow SESSION (an identity, an identifier or 'latest') until it is closed, or until Ctrl-C."""
    error: RtaError | None = None
    with allow_broken_pipe():
        try:
            error = trio.run(_main, RestClient(url), session, as_json, only)
        except* KeyboardInterrupt:
            pass
    if error is not None:
        raise error


async def _main(rest: RestClient, wanted: str, as_json: bool, only: tuple[str, ...]) -> RtaError | None:
    """Follow the session; the error that ended that, if there was one."""
    error: RtaError | None = None
    try:
        found = await find_session(rest, wanted)
        if as_json:
            await follow_session(rest, found.identity, only, _Lines())
        else:
            await _show(rest, found.identity, only)
    except* RtaError as group:
        error = first_error(group)
    return error


async def _show(rest: RestClient, identity: str, only: tuple[str, ...]) -> None:
    screen = _Screen()
    with Live(console=Console(), auto_refresh=False) as live:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(screen.refresh, live)
            await follow_session(rest, identity, only, screen)
            live.update(screen.render(), refresh=True)
            nursery.cancel_scope.cancel()


class _Lines(SessionObserver):
    """Prints samples and events as lines, for pipes; flushes them at the end of each message."""

    def session(self, model: SessionModel) -> None:
        self._print({"session": model.identity, "state": model.state.name.lower(), "identifier": model.identifier})

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        for sample in decoder.samples(burst):
            unit = sample.parameter.unit if sample.parameter is not None else ""
            for timestamp, value in zip(sample.timestamps.tolist(), sample.values.tolist(), strict=True):
                self._print({"t": timestamp, "parameter": sample.name, "value": _json_value(value), "unit": unit})
        for event in decoder.events(burst):
            self._print(
                {
                    "t": event.timestamp,
                    "event": event.event_definition_id,
                    "app": event.app_name,
                    "text": event.status_text,
                    "values": [_json_value(v) for v in event.raw_data],
                }
            )
        sys.stdout.flush()

    def notice(self, text: str) -> None:
        click.echo(printable(text), err=True)

    @staticmethod
    def _print(line: dict[str, Any]) -> None:
        sys.stdout.write(json_line(line) + "\n")


def _json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


class _Screen(SessionObserver):
    """Shows the newest values in a table."""

    def __init__(self) -> None:
        self._latest = LatestValues()
        self._model: SessionModel | None = None
        self._span: TimeRange | None = None
        self._note = ""
        self._last_event = ""

    def session(self, model: SessionModel) -> None:
        self._model, self._note = model, ""
        self._span = TimeRange.union_of(self._span, model.span)

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        self._span = TimeRange.union_of(self._span, burst.time_range)
        self._latest.add(decoder.samples(burst), time.monotonic())
        for event in decoder.events(burst):
            what = f"{event.app_name} {event.event_definition_id} {event.status_text}"
            self._last_event = f"{_clock(event.timestamp)} {what}"

    def notice(self, text: str) -> None:
        self._note = text

    async def refresh(self, live: Live) -> None:
        """Draw the table again and again, until cancelled."""
        while True:
            live.update(self.render(), refresh=True)
            await trio.sleep(_REFRESH)

    def render(self) -> Group:
        now = time.monotonic()
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("parameter")
        table.add_column("value", justify="right", min_width=10)
        table.add_column("unit")
        table.add_column("rate", justify="right", min_width=7)
        table.add_column("course")
        for line in self._latest.parameters.values():
            cells = line.name, line.text, line.unit, f"{line.rate(now):.1f}/s"
            table.add_row(*map(cell, cells), Text(sparkline(line.course), "cyan"))
        head = Text(no_wrap=True, overflow="ellipsis")
        if self._model is not None:
            head.append_text(cell(self._model.identifier or self._model.identity, "bold"))
            head.append_text(cell(f"  {self._model.state.name.lower()}  {self._model.identity}", "dim"))
        if self._span is not None:
            head.append(f"  {_clock(self._span.end)}  {(self._span.end - self._span.start) / 1e9:.1f} s")
        tail = cell(self._note, "yellow") if self._note else cell(self._last_event, "dim")
        return Group(head, table, tail)


def _clock(ns: int) -> str:
    try:
        return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-5] + "Z"
    except (ValueError, OverflowError, OSError):
        return f"{ns} ns"
