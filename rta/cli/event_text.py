"""Events of nodes as lines of text: for people, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rta.cli.text import json_line, summarize
from rta.cli.times import format_time
from rta.consumer import (
    AlarmChanged,
    AlarmEntry,
    Event,
    GapFound,
    GapHealed,
    HistoryReceived,
    PresenceChanged,
    ReplayReceived,
    StatusEntry,
    StatusReceived,
    StreamChanged,
)
from rta.formatting import printable
from rta.rsmp.payload import iso
from rta.wire.values import Ns

__all__ = ["event_json", "event_lines"]


def event_json(event: Event, now: Ns) -> str:
    """An event as one line of JSON. `at` is when it came, `ts` the time of an entry."""
    return json_line({"event": _KINDS[type(event)], "at": iso(now), "node": event.node, **_fields(event)})


_KINDS: dict[type[Event], str] = {
    PresenceChanged: "presence",
    StreamChanged: "state",
    StatusReceived: "status",
    ReplayReceived: "replay",
    HistoryReceived: "history",
    GapFound: "gap",
    GapHealed: "gap closed",
    AlarmChanged: "alarm",
}


def _fields(event: Event) -> dict[str, Any]:
    match event:
        case PresenceChanged():
            return {"presence": event.presence, "retained": event.retained}
        case AlarmChanged():
            return {"code": event.code, "full": event.full, "entries": [_alarm(e) for e in event.entries]}
        case _:
            which = {"code": event.code, "stream": event.name}
    match event:
        case StreamChanged():
            return {**which, "state": event.state, "retained": event.retained}
        case StatusReceived():
            return {**which, "retained": event.retained, "entries": [*map(_entry, event.entries)]}
        case ReplayReceived():
            ends = {"done": event.done, "beginning": event.beginning, "doubles": event.doubles}
            return {**which, **ends, "entries": [*map(_entry, event.entries)]}
        case HistoryReceived():
            return {**which, "entries": [*map(_entry, event.entries)]}
        case GapFound() | GapHealed():
            numbers = {"after_seq": event.after_seq, "before_seq": event.before_seq}
            times = {"from": iso(event.since), "to": iso(event.until)}
            missing = {"missing": event.missing} if isinstance(event, GapHealed) else {}
            return {**which, **numbers, **times, **missing}


def _entry(entry: StatusEntry) -> dict[str, Any]:
    return {"ts": iso(entry.ts), "seq": entry.seq, "values": entry.values}


def _alarm(entry: AlarmEntry) -> dict[str, Any]:
    return {"ts": iso(entry.ts), "component": entry.component, "active": entry.active, "values": entry.values}


def event_lines(event: Event, now: Ns) -> Iterable[str]:
    """An event for people: a line for each entry, or one. It begins with the time of the entry, or with `now`."""
    for ts, text in _lines(event, now):
        yield printable(f"{format_time(ts)}  {event.node}  {text}")


def _lines(event: Event, now: Ns) -> Iterable[tuple[Ns, str]]:
    match event:
        case PresenceChanged():
            yield event.at, event.presence or "unknown"
        case StreamChanged():
            yield now, f"{_stream(event)} {event.state or 'is gone'}"
        case StatusReceived() | ReplayReceived() | HistoryReceived():
            source = "" if isinstance(event, StatusReceived) else f" ({_KINDS[type(event)]})"
            for entry in event.entries:
                yield entry.ts, f"{_stream(event)} #{entry.seq}{source}  {summarize(entry.values)}"
            if isinstance(event, ReplayReceived) and event.done:
                yield now, f"{_stream(event)} replay done"
        case GapFound():
            times = f"{format_time(event.since)} to {format_time(event.until)}"
            yield now, f"{_stream(event)} gap: {_numbers(event)} missing, {times}"
        case GapHealed():
            left = f"given up, {event.missing} remain missing" if event.missing else "healed"
            yield now, f"{_stream(event)} gap of {_numbers(event)} {left}"
        case AlarmChanged():
            for alarm in event.entries:
                what = " ".join(filter(None, (event.code, alarm.component)))
                word = "alarm" if alarm.active else "alarm over"
                yield alarm.ts, f"{word}: {what}  {summarize(alarm.values)}"
            if event.full and not event.entries:
                yield now, f"no alarm: {event.code}"


def _numbers(event: GapFound | GapHealed) -> str:
    first, last = event.after_seq + 1, event.before_seq - 1
    return f"#{first}" if first == last else f"#{first} to #{last}"


def _stream(event: StreamChanged | StatusReceived | ReplayReceived | HistoryReceived | GapFound | GapHealed) -> str:
    return f"{event.code}/{event.name}" if event.name else event.code
