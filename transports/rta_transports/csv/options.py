"""The CSV source's settings."""

from __future__ import annotations

import math
from typing import Any, Literal

from attrs import Attribute, define
from attrs.validators import and_, gt, optional

from rta.ports import Duration, option
from rta.wire import SampleType

__all__ = ["CsvOptions", "Kind", "Origin", "TimeUnit"]

Kind = Literal["timestamped", "periodic", "row"]
Origin = Literal["start", "file"]
TimeUnit = Literal["s", "ms", "us", "ns", "iso"]


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
    """A file with a header line and a time column; one row is one line."""

    path: str = option("The file, in UTF-8; relative to the folder of the configuration.")
    time_column: str | None = option("Header of the column with the times; unset: the first column.", None)
    time_unit: TimeUnit = option(
        'What the times are: numbers in "s", "ms", "us" or "ns", or "iso": ISO 8601, with or without a zone.',
        "s",
    )
    timezone: str = option(
        "IANA name of the zone of ISO times that name none. An ambiguous time is taken as the first, one "
        "that the clocks skipped as an hour later; both are counted.",
        "UTC",
    )
    origin: Origin = option(
        'Timestamps: "start": the first sample is of the moment it is played; "file": the times of the file, '
        "numbers counted since the Unix epoch. A session whose time is not the time of day, by this or by `speed`, "
        "says so in its details `time`, `speed` and `delay`.",
        "start",
    )
    speed: float = option("How many seconds of the file are played in one second.", 1.0, validator=_POSITIVE)
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
    delimiter: str = option("The character between two cells.", ",", validator=_separator)
    burst_interval: Duration = option("How often bursts are sent.", Duration(0.1), validator=_POSITIVE)
    identifier: str = option("The session's name for people; empty: the file's name without its suffix.", "")
    identity: str = option("The session's identity; empty: a new UUID for every session. Not with `loop`.", "")
    details: dict[str, str | int | float] = option("Details of the session, by name.", factory=dict)
    app: str = option("Name of the application in the configuration.", "csv", validator=_named)

    @property
    def interval_ns(self) -> int:
        """The interval; 0 where it does not matter."""
        return max(1, round(self.interval * 1e9)) if self.interval and self.kind == "periodic" else 0
