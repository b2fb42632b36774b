"""What a column's name and unit say of its numbers: `Time (ms)`, `timestamp_us`, `unix time`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, timedelta, timezone, tzinfo

from attrs import frozen

from rta_transports.csv.times.times import NumberUnit

__all__ = ["UnitHint", "gps_logged", "hint_of", "px4_logged", "words_of", "zone_said"]

_UNITS: dict[NumberUnit, str] = {
    "s": "s sec secs second seconds sekunde sekunden sek segundo segundos seconde secondes secondi",
    "ms": "ms msec msecs msecond mseconds milli millis millisec millisecs millisecond milliseconds millisekunden "
    "milisegundos millisecondes millisecondi",
    "us": "us µs μs usec usecs µsec μsec micro micros microsec microsecs microsecond microseconds mikrosekunden "
    "microsegundos microsecondes",
    "ns": "ns nsec nsecs nano nanos nanosec nanosecond nanoseconds nanosekunden nanosegundos nanosecondes",
    "min": "min mins minute minutes minuten minutos minuti",
    "h": "h hr hrs hour hours std stunde stunden heure heures hora horas ore",
    "d": "d day days tage jours dias días",
}
_UNIT_OF: dict[str, NumberUnit] = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_LAST = {word for word in _UNIT_OF if word not in {"hora", "day", "heure", "hour", "minute", "d", "h", "ore"}}
"""Words that are a unit at the end of a name: `time_ms`; the others are names themselves."""
_ALONE = {word for unit in ("s", "ms", "us", "ns") for word in _UNITS[unit].split() if word != "s"}
"""Words that are a unit although they are the whole name: `millis`."""

_EPOCH = {"unix", "epoch", "posix", "1970", "unixtime", "epochtime", "unixtimestamp"}
_BRACKETS = re.compile(r"(.*?)\s*[(\[]([^()\[\]]*)[)\]]\s*")
_OFFSET = re.compile(r"\b(?:GMT|UTC)\s?([+\-−])(\d{1,2})(?::?(\d{2}))?(?!\d)", re.IGNORECASE)
_DERIVED = re.compile(r"[/^*·²³]|\bper\b|(?<=\w)-\d", re.IGNORECASE)
"""Of a unit that is made of several, as km/h."""
_OF_SPEED = {
    "km",
    "k",
    "mi",
    "miles",
    "m",
    "l",
    "per",
    "kwh",
    "wh",
    "ah",
    "veh",
    "vehicles",
    "rev",
    "mm",
    "kg",
    "g",
    "gal",
    "lb",
    "w",
    "kw",
}
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-zà-ÿ0-9])(?=[A-Z])")

_PX4 = """
timestamp_sample device_id error_count nav_state arming_state xy_valid accelerometer_timestamp_relative gyro_rad
baro_alt_meter vehicle_id timestamp_time_relative time_utc_usec flag_armed delta_angle_dt
"""
_PX4_NAMES = frozenset(_PX4.split())
_INDEXED = re.compile(r"\w+\[\d+\]")


@frozen(slots=True)
class UnitHint:
    """What is known of a column's numbers before they are read."""

    unit: NumberUnit | None
    epoch: bool
    """They are said to count since 1970."""
    shape: str
    """"hhmmss", "m:ss", "h:mm" or "": how the clock is written."""


def hint_of(title: str, unit: str) -> UnitHint:
    """`unit` is the content of the name's brackets or of a row of units; it goes before the name."""
    bare = title
    if not unit and (m := _BRACKETS.fullmatch(title)):
        bare, unit = m[1], m[2]
    told, named = words_of(unit), words_of(bare)
    shape = _shape(unit.lower() or bare.lower())
    epoch = bool(_EPOCH & {*told, *named})
    found = next((_UNIT_OF[word] for word in told if word in _UNIT_OF), None)
    if unit.strip() in {"M", "m", "S"} or _DERIVED.search(unit):
        found = None
    if found is None and named[-2:-1] and named[-2] in _OF_SPEED:
        return UnitHint(None, epoch, shape)
    if found is None and named and named[-1] in (_LAST if len(named) > 1 else _ALONE):
        found = _UNIT_OF[named[-1]]
    return UnitHint(found, epoch, shape)


def words_of(text: str) -> list[str]:
    """The words of a name, in lower case: `timestamp_ms`, `timeMs` and `Time [ms]` are two each."""
    return [word.lower() for word in _WORDS.findall(_HUMP.sub(" ", text))]


def _shape(text: str) -> str:
    if "hhmmss" in text:
        return "hhmmss"
    if re.search(r"\bm{1,2}:ss?\b", text) and not re.search(r"\bh", text):
        return "m:ss"
    return "h:mm" if re.search(r"\bh{1,2}:mm", text) else ""


def zone_said(*titles: str) -> tzinfo | None:
    """The zone that the names say the times are of, whatever the file is from: UTC, or an offset as in `GMT-04:00`."""
    for title in titles:
        if m := _OFFSET.search(title):
            east = timedelta(hours=int(m[2]), minutes=int(m[3] or 0))
            return timezone(-east if m[1] in "-−" else east)
    return UTC if any(word in ("utc", "gmt", "zulu") for title in titles for word in words_of(title)) else None


def gps_logged(title: str, titles: Sequence[str]) -> bool:
    """Whether this is the time of a GPS logger that writes it as the receiver says it, hhmmss.ss."""
    names = {name.strip().lower() for name in titles}
    return zone_said(title) is not None or bool(names & {"sats", "satellites", "nsat", "hdop"})


def px4_logged(title: str, titles: Sequence[str]) -> bool:
    """Whether this is the time of a PX4 log, which counts us and names no unit."""
    if title.strip().lower() not in {"timestamp", "timestamp_sample"}:
        return False
    names = {title.strip().lower() for title in titles}
    return bool(names & _PX4_NAMES) or any(_INDEXED.fullmatch(name) for name in names)
