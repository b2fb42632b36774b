"""The CSV source's settings."""

from __future__ import annotations

import math
from typing import Any, Literal

from attrs import Attribute, define
from attrs.validators import and_, ge, gt, le, optional

from rta.ports import Duration, option
from rta.wire import SampleType

__all__ = ["CsvOptions", "Kind", "OnTimeBack", "Origin", "TimeUnit", "names_in"]

Kind = Literal["timestamped", "periodic", "row"]
Origin = Literal["start", "file", "recording", "auto"]
TimeUnit = Literal["s", "ms", "us", "ns", "iso"]
OnTimeBack = Literal["auto", "continue", "session", "skip", "keep"]


def _finite(_: object, attribute: Attribute[Any], value: float) -> None:
    if math.isinf(value):
        raise ValueError(f"{attribute.name} is {value}; it must be finite")


_POSITIVE = and_(gt(0), _finite)


def _separator(_: object, attribute: Attribute[Any], value: str) -> None:
    if len(value) != 1 or value in '"\r\n\0':
        raise ValueError(f"{attribute.name} is {value!r}; it must be one character, and no quote or line end")


def _named(_: object, attribute: Attribute[Any], value: str) -> None:
    if not value:
        raise ValueError(f"{attribute.name} is empty; it must be a name")


@define
class CsvOptions:
    """A table of text, as loggers, spreadsheets and portals export it; one row is one line. What is not set is
    detected, and said in one line at the start; `rta inspect FILE` says it at length."""

    path: str = option("The file; relative to the folder of the configuration.")
    time_column: str | list[str] | None = option(
        "Header of the column with the times, or of two: the dates and the times of day. Unset: found by name, unit "
        "and behaviour.",
        None,
    )
    time_unit: TimeUnit | None = option(
        'What the times are: numbers in "s", "ms", "us" or "ns", or "iso": ISO 8601, with or without a zone. Unset: '
        "as the header and the cells say; numbers without a unit are seconds.",
        None,
    )
    time_format: str | None = option(
        'How times are written, as for strptime: "%d.%m.%Y %H:%M:%S.%f" (%f takes up to nine digits; %z an offset), '
        'or the name of a format as `rta inspect` shows it, such as "h:m:s" or "hhmmss". Unset: detected; dates that '
        "may be day first or month first are an error that asks.",
        None,
    )
    timezone: str = option(
        "IANA name of the zone of dates that name none. An hour that comes twice in autumn is told by the order of "
        "the rows, else taken as the first; a time that the clocks skipped is an hour later. Both are counted.",
        "UTC",
    )
    on_time_back: OnTimeBack = option(
        'What is done where time goes back: "continue" over midnight or the roll-over of a counter, "session": begin '
        'a new session, "skip": leave the row out, "keep": take it as it is, as late data. "auto": continue over '
        "midnight and roll-overs, a new session where time begins anew, leave lone outliers out, keep rows that are "
        "a little late. Each is said once with its line, and counted.",
        "auto",
    )
    sort: bool | None = option(
        "Whether rows are played in the order of their times, wherever they stand in the file. Unset: where the "
        "newest row stands first, where a long table has the rows of one thing after those of another, and where "
        "dates are in no order at all.",
        None,
    )
    encoding: str | None = option('Encoding of the file, such as "utf-8", "utf-16" or "cp1252"; unset: detected.', None)
    delimiter: str | None = option(
        "The character between two cells; unset: detected.", None, validator=optional(_separator)
    )
    decimal: Literal[".", ","] | None = option("The decimal mark; unset: detected.", None)
    thousands: str | None = option('The mark between groups of three digits, or "" for none; unset: detected.', None)
    comment: str | None = option('What comment lines begin with, or "" for none; unset: detected.', None)
    header: int | None = option(
        "Line number of the header, from 1, or 0: the file has none, and its columns are called Column 1, Column 2 …; "
        "unset: detected.",
        None,
        validator=optional(ge(0)),
    )
    units: int | None = option(
        "Line number of the row of units below the header, or 0 for none; unset: detected.",
        None,
        validator=optional(ge(0)),
    )
    missing: list[str] = option(
        "Cells that are no sample, besides blank ones, -, N/A, NA, #N/A, NULL, None, undefined and the like.",
        factory=list,
    )
    events: list[str] | None = option(
        "Headers of the columns whose cells are words, each an event; unset: detected. Numbers are samples, true and "
        "false 1 and 0.",
        None,
    )
    channel: str | list[str] | None = option(
        "In a long table, which has a row for each thing and time: the columns that name the thing. Each pair of a "
        'thing and a value is a channel. "": the table is not long. Unset: detected.',
        None,
    )
    value: str | list[str] | None = option(
        "The columns with the values of a long table; unset: all others.",
        None,
    )
    origin: Origin = option(
        'Timestamps: "start": the first sample is of the moment it is played; "file": the times of the file, '
        'numbers counted since the Unix epoch; "recording": the moment that the preamble of the file names plus the '
        'times of the rows; "auto": "recording" where the file says when it was recorded, else "start". A session '
        "whose time is not the time of day, by this or by `speed`, says so in its details `time`, `speed` and "
        "`delay`.",
        "start",
    )
    speed: float = option(
        "How many seconds of the file are played in one second.", 1.0, validator=and_(_POSITIVE, ge(1e-6), le(1e12))
    )
    loop: bool = option("Whether to start again at the end, as a new session.", False)
    kind: Kind = option('How samples are sent: "timestamped", "periodic" or "row".', "timestamped")
    interval: Duration | None = option(
        'Time between two rows of the file; needed for kind "periodic". Samples that are more than 1 % of it '
        "off begin a new run.",
        None,
        validator=optional(_POSITIVE),
    )
    type: SampleType = option(
        "Sample type of the columns that `types` does not name: u8 s8 u16 s16 u32 s32 f32 f64.",
        SampleType.F64,
    )
    types: dict[str, SampleType] = option("Sample types by column header, with or without the unit.", factory=dict)
    columns: list[str] | None = option(
        "Headers of the columns to take, with or without the unit; unset: all but the times.", None
    )
    burst_interval: Duration = option("How often bursts are sent.", Duration(0.1), validator=_POSITIVE)
    identifier: str = option("The session's name for people; empty: the file's name without its suffix.", "")
    identity: str = option("The session's identity; empty: a new UUID for every session. Not with `loop`.", "")
    details: dict[str, str | int | float] = option(
        "Details of the session, by name; they come before those that the preamble of the file says.", factory=dict
    )
    app: str = option("Name of the application in the configuration.", "csv", validator=_named)

    @property
    def interval_ns(self) -> int:
        """The interval; 0 where it does not matter."""
        return max(1, round(self.interval * 1e9)) if self.interval and self.kind == "periodic" else 0

    @property
    def is_wide(self) -> bool:
        """Whether it is set that the table is not a long one."""
        return self.channel in ("", [], [""])


def names_in(option: str | list[str] | None) -> list[str]:
    """The names of an option that takes one or several."""
    return [option] if isinstance(option, str) else list(option or ())
