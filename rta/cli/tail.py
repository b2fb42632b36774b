"""`rta tail`: a live table of a session in the terminal, or its samples as lines of JSON."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from math import inf
from typing import Any

import click
import trio
from attrs import frozen
from rich.console import Console
from rich.live import Live

from rta.cli.keyboard import turn_pages
from rta.cli.output import allow_broken_pipe
from rta.cli.service_options import service_options
from rta.cli.service_place import ServicePlace
from rta.cli.tail_screen import NOTHING_SENT, TailScreen, describe_lack
from rta.cli.text import json_line
from rta.cli.times import SessionTime, SessionTimeType, read_duration
from rta.client import RestClient
from rta.client.coverage import Coverage
from rta.client.decode import Decoder
from rta.client.follow import SessionObserver, find_session, follow_session
from rta.client.rest import ANSWER
from rta.client.stream import SILENCE
from rta.errors import RtaError, first_error
from rta.formatting import printable
from rta.signals import guard_signals
from rta.wire import SessionModel
from rta.wire.burst import Burst
from rta.wire.configuration import EventDefinition

__all__ = ["command"]

_REFRESH = 0.2  # seconds
_SETTLED = 5.0  # seconds after the first data by when the oldest have come too


@click.command("tail")
@click.argument("session", default="latest")
@service_options
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each sample, for pipes.")
@click.option(
    "-p",
    "--parameter",
    "only",
    multiple=True,
    help="Only this parameter: its id, its name, or what the file calls it; may be repeated.",
)
@click.option(
    "--from",
    "since",
    type=SessionTimeType(start=SessionTime(0)),
    metavar="TIME",
    help="Begin with what is recorded: from 'start', from an ISO 8601 time, or from so long after the session's "
    "beginning, as 90s. Then live, without a gap. Default: live, and what the buffer holds.",
)
@click.option(
    "--silence",
    default=f"{SILENCE:g}s",
    show_default=True,
    metavar="TIME",
    help="How long the service may say nothing, and not answer a ping, before the connection counts as lost.",
)
def command(
    session: str,
    service: ServicePlace,
    as_json: bool,
    only: tuple[str, ...],
    since: SessionTime | None,
    silence: str,
) -> None:
    """Follow SESSION (an identity, an identifier or 'latest') until it is closed, or until Ctrl-C.

    A connection that is lost, or on which nothing is heard any more, is made again.
    """
    error: RtaError | None = None
    request = _Request(session, only, as_json, since, _read_silence(silence))
    with allow_broken_pipe():
        try:
            # Ctrl-C may interrupt anything, a line to a pipe that nobody reads above all.
            error = trio.run(_main, service.client(min(ANSWER, request.silence)), request)
        except* KeyboardInterrupt:
            pass
    if error is not None:
        raise error


@frozen
class _Request:
    """What to follow, and how."""

    wanted: str
    only: tuple[str, ...]
    as_json: bool
    since: SessionTime | None
    silence: float

    @property
    def whole(self) -> bool:
        """Whether all of the session is wanted."""
        return not self.only and self.since in (None, SessionTime(0))

    async def follow(self, rest: RestClient, session: SessionModel, observer: SessionObserver) -> None:
        start = None if self.since is None else self.since.of(session)
        await follow_session(rest, session.identity, self.only, observer, self.wanted, self.silence, start)


def _read_silence(text: str) -> float:
    seconds = read_duration(text, "--silence")
    if seconds <= 0:
        raise click.BadParameter("expected more than 0, as in 30s", param_hint="--silence")
    return seconds


async def _main(rest: RestClient, request: _Request) -> RtaError | None:
    """Follow the session; the error that ended that, if there was one."""
    error: RtaError | None = None
    try:
        found = await find_session(rest, request.wanted)
        if request.as_json:
            lines = _Lines(time.monotonic, request.whole)
            await request.follow(rest, found, lines)
            lines.end()
        else:
            await _show(rest, found, request)
    except* RtaError as group:
        error = first_error(group)
    return error


async def _show(rest: RestClient, session: SessionModel, request: _Request) -> None:
    """Show a table: on a terminal while the session goes on, elsewhere once, at the end."""
    screen = TailScreen(rest.base, time.monotonic, request.whole)
    console = Console(highlight=False)
    if not sys.stdout.isatty():
        failed = False
        try:
            await request.follow(rest, session, screen)
            screen.end()
        except RtaError:
            failed = True
            raise
        finally:  # also after Ctrl-C
            if not failed:
                console.print(screen.draw(None, None), soft_wrap=True)
        return

    async def refresh() -> None:
        while True:
            live.update(screen.draw(console.width, console.height), refresh=True)
            await trio.sleep(_REFRESH)

    with Live(console=console, auto_refresh=False) as live, trio.CancelScope() as scope:
        async with guard_signals(lambda _: scope.cancel()), trio.open_nursery() as nursery:
            nursery.start_soon(refresh)
            nursery.start_soon(turn_pages, screen.pager, scope.cancel)
            await request.follow(rest, session, screen)
            screen.end()
            live.update(screen.draw(console.width, None), refresh=True)  # what is over may be scrolled
            nursery.cancel_scope.cancel()


class _Lines(SessionObserver):
    """Prints samples and events as lines, for pipes; flushes them at the end of each message."""

    def __init__(self, clock: Callable[[], float], whole: bool) -> None:
        """`clock`: monotonic seconds. `whole`: all parameters are followed."""
        self._clock = clock
        self._whole = whole
        self._identity = ""
        self._begin()

    def _begin(self) -> None:
        self._coverage = Coverage()
        self._due: float | None = None

    def session(self, model: SessionModel) -> None:
        if model.identity != self._identity:
            self._identity = model.identity
            self._begin()
        self._coverage.add_span(model.span)
        self._print({"session": model.identity, "state": model.state.name.lower(), "identifier": model.identifier})

    def burst(self, burst: Burst, decoder: Decoder) -> None:
        self._coverage.add_span(burst.time_range)
        for sample in decoder.samples(burst):
            if len(sample.timestamps):
                self._coverage.add_time(int(sample.timestamps.min()))
            bound = sample.parameter
            name, desc, unit = ("",) * 3
            if bound is not None:
                name, desc, unit = bound.parameter.name, bound.parameter.desc, bound.unit
            about = {"parameter": sample.name, "name": name, "desc": desc}
            for timestamp, value in zip(sample.timestamps.tolist(), sample.values.tolist(), strict=True):
                self._print({"t": timestamp, **about, "value": _json_value(value), "unit": unit})
        for event in decoder.events(burst):
            self._coverage.add_time(event.timestamp)
            definition = decoder.event_definition(event) or EventDefinition(event.event_definition_id)
            self._print(
                {
                    "t": event.timestamp,
                    "event": event.event_definition_id,
                    "app": event.app_name,
                    "code": definition.code,
                    "desc": definition.desc,
                    "text": event.status_text,
                    "values": [_json_value(v) for v in event.raw_data],
                }
            )
        sys.stdout.flush()
        if self._coverage.earliest is not None:
            self._due = self._clock() + _SETTLED if self._due is None else self._due
            if self._clock() >= self._due:
                self._say_lack()

    def end(self) -> None:
        """The session is over, and nothing more will come of it."""
        self._say_lack()
        if self._whole and self._coverage.is_empty:
            self.notice(NOTHING_SENT)

    def _say_lack(self) -> None:
        if self._whole and self._due != inf and (lack := describe_lack(self._coverage)):
            self.notice(lack)
        self._due = inf

    def lost(self, reason: str) -> None:
        self.notice(f"{reason}; connecting again")

    def notice(self, text: str) -> None:
        click.echo(printable(text), err=True)

    @staticmethod
    def _print(line: dict[str, Any]) -> None:
        sys.stdout.write(json_line(line) + "\n")


def _json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
