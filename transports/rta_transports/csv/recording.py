"""What a file says of its recording before the rows: facts as details of the session, and when it began."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta, tzinfo

from attrs import frozen

from rta.ports import MalformedError, RtaError
from rta_transports.csv.options import Origin
from rta_transports.csv.times.time_formats import JOINT, TimeFormat, TimeScale, joined, recognise
from rta_transports.csv.times.times import EPOCH

__all__ = ["Recording", "read_recording"]

_WHEN = re.compile(
    r"(?:log(?:ging)?|session|recording|recorded|run|test|file|measurement|start(?:ed)?|begin|created|creation|first)?"
    r"[\s_]*(?:date|time|datum|uhrzeit|fecha|hora|heure|start(?:ed)?|begin|on|at|created|stamp|utc|local|of)*"
    r"(?:[\s/_&]*(?:date|time|start|started|created|stamp|and))*",
    re.IGNORECASE,
)
_OURS = ("time", "speed", "delay")  # details that the session itself says
_MOST = 2000  # characters of lines without a key


@frozen(slots=True)
class Recording:
    """What is known of it beside the rows."""

    details: Mapping[str, str]
    start: int | None
    """ns since the Unix epoch at the time 0 of the rows; None: the file does not say so, or the rows have dates."""
    offset: int
    """ns that are added to the times of the rows: `start` for `origin = "recording"`, else 0."""
    origin: Origin
    """Not "auto", but what that comes to."""


def read_recording(
    facts: Sequence[tuple[str, str]], rows: TimeFormat, zone: tzinfo, origin: Origin, now: int | None
) -> tuple[Recording, list[str]]:
    """The facts, understood, and what is wrong with them where they are needed. `rows`: how the rows write times."""
    details: dict[str, str] = {}
    for key, value in facts:
        name = key or "note"
        if name in _OURS:
            name = name.capitalize()
        details[name] = f"{details[name]}; {value}"[:_MOST] if name in details else value
    start: int | None = None
    reason = "the file does not say when it was recorded"
    if rows.scale is not TimeScale.EPOCH:
        try:
            start = _start(facts, zone, now)
        except RtaError as e:
            reason = str(e)
    if start is not None and rows.scale is TimeScale.DAY:
        start = _midnight(start, zone)
    known = start is not None or rows.scale is TimeScale.EPOCH
    problems = [f'origin = "recording": {reason}'] if origin == "recording" and not known else []
    if origin == "auto":
        origin = "recording" if known else "start"
    offset = start if origin == "recording" and start is not None else 0
    return Recording(details, start, offset, origin), problems


def _start(facts: Sequence[tuple[str, str]], zone: tzinfo, now: int | None) -> int | None:
    """When the recording began, ns since the Unix epoch.

    :raises RtaError: its date may be read in two ways.
    """
    told = [(key, value) for key, value in facts if value and (not key or _WHEN.fullmatch(key.strip()))]
    known = [(key, value, found) for key, value in told if (found := _recognised(key, value, now)) is not None]
    date = next(((value, f) for _, value, f in known if f.scale is TimeScale.EPOCH), None)
    if date is None:
        return None
    text, form = date
    clock = next(((value, f) for _, value, f in known if f.scale is TimeScale.DAY), None)
    try:
        start = form.parser(zone, _ignore)(text)
        if clock is not None and _midnight(start, zone) == start:
            start = joined(form, clock[1]).parser(zone, _ignore)(f"{text}{JOINT}{clock[0]}")
    except MalformedError:
        return None
    return start


def _recognised(key: str, value: str, now: int | None) -> TimeFormat | None:
    """The format of a date or a time of day; None: it is neither."""
    found = recognise([value], title=key, now=now)
    return found if found is not None and not found.unit_ns and found.scale is not TimeScale.ELAPSED else None


def _midnight(ns: int, zone: tzinfo) -> int:
    """When the day of a moment begins."""
    local = (EPOCH + timedelta(microseconds=ns // 1000)).astimezone(zone)
    begin = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return (begin - EPOCH) // timedelta(microseconds=1) * 1000


def _ignore(kind: str, detail: str) -> None: ...
