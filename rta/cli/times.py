"""Times and ages: how they are read from the command line, and how they are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from attrs import frozen

from rta.errors import MalformedError, RtaError
from rta.options.values import parse_duration
from rta.rsmp.payload import iso, parse_iso
from rta.wire import SessionModel
from rta.wire.values import Ns

__all__ = [
    "SessionTime",
    "SessionTimeType",
    "format_age",
    "format_elapsed",
    "format_listed_time",
    "format_time",
    "parse_listed_time",
    "read_duration",
    "read_time",
]

_YEAR = 365.25 * 86400
_LAST = (1 << 63) - 1  # ns


def read_time(text: str, now: Ns, option: str) -> Ns:
    """Read an ISO time, a duration back from now such as 1h or -15min, or `now`.

    :raises BadParameter: it is none of these; the error names the option.
    """
    if text.strip() == "now":
        return now
    try:
        return parse_iso(text.strip())
    except MalformedError:
        pass
    try:
        return Ns(now - round(parse_duration(text.strip().removeprefix("-")) * 1e9))
    except ValueError:
        expected = "expected a time as 2026-11-21T10:45:00Z, or how long ago, as 15min or 1h30m"
        raise click.BadParameter(f"{expected}; got {text!r}", param_hint=option) from None


@frozen
class SessionTime:
    """A time, or a duration after the beginning of a session."""

    ns: int
    """Since the Unix epoch, or after the beginning."""
    relative: bool = False

    def of(self, model: SessionModel) -> int:
        """ns since the Unix epoch, within what recorded data may have: 0 to 2^63 - 1.

        :raises RtaError: it is not known when the session begins.
        """
        begin = 0
        if self.relative:
            if model.span is None:
                raise RtaError(f"it is not known when session {model.identity} begins: say a time")
            begin = model.span.start
        return min(max(begin + self.ns, 0), _LAST)


class SessionTimeType(click.ParamType[SessionTime]):
    """Reads a `SessionTime`, or a word that stands for one."""

    name = "time"

    def __init__(self, **words: SessionTime) -> None:
        self._words = words

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> SessionTime:
        if isinstance(value, SessionTime):
            return value
        text = str(value).strip()
        if text in self._words:
            return self._words[text]
        try:
            return SessionTime(parse_iso(text))
        except MalformedError:
            pass
        try:
            return SessionTime(round(parse_duration(text) * 1e9), relative=True)
        except ValueError:
            kinds = [*map(repr, self._words), "a time as 2026-11-21T10:45:00Z"]
            self.fail(f"expected {', '.join(kinds)} or how long after the beginning, as 90s; got {value!r}", param, ctx)


def read_duration(text: str, option: str) -> float:
    """Read a duration in seconds.

    :raises BadParameter: it is no duration; the error names the option.
    """
    try:
        return parse_duration(text)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint=option) from None


def format_age(seconds: float) -> str:
    """A short age: 0.3 s, 12 s, 5 min, 3 h, 2 d, 14 y. The age of what is ahead of our clock has a minus sign."""
    if seconds < 0:
        return "0.0 s" if seconds > -0.05 else f"-{format_age(-seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for unit, length, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48), ("d", 86400, 730)):
        if seconds < most * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / _YEAR:.0f} y"


def format_elapsed(ns: int) -> str:
    """How long something lasts, as 44:00:00; below a minute with tenths, as 0:00:53.6."""
    tenths = ns // 100_000_000
    minutes, rest = divmod(tenths, 600)
    seconds = f"{rest / 10:04.1f}" if not minutes else f"{rest // 10:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds}"


def format_time(ts: Ns) -> str:
    """A time to the second, in UTC; empty where it cannot be written."""
    try:
        return f"{iso(ts)[:19].replace('T', ' ')}Z"
    except (OverflowError, ValueError):
        return ""


def format_listed_time(text: object) -> str:
    """An ISO time from a list of streams or alarms, for people; empty where there is none."""
    at = parse_listed_time(text)
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def parse_listed_time(text: object) -> datetime | None:
    """An ISO time from a list; None where there is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)
