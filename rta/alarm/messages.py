"""The messages about alarms on topics. Source: docs/rsmp.md, "Alarms".

Every message fits into 64 KiB, the most that is read of one. Where a full update of very many active alarms would not
fit, their values are left out, and if that is not enough, the newest alarms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rta.alarm.monitor import AlarmChange
from rta.rsmp.payload import MAX_PAYLOAD, encode, iso

__all__ = ["event_messages", "full_message"]

_ROOM = MAX_PAYLOAD - 64  # bytes for the entries; the rest is around them


def event_messages(changes: Sequence[AlarmChange]) -> Iterator[tuple[bytes, int]]:
    """Changes of one code as messages, as few as possible, each with the number of its changes."""
    entries: list[dict[str, Any]] = []
    size = 0
    for change in changes:
        entry = _entry(change)
        length = len(encode(entry))
        if entries and size + length > _ROOM:
            yield encode({"entries": entries}), len(entries)
            entries, size = [], 0
        entries.append(entry)
        size += length
    if entries:
        yield encode({"entries": entries}), len(entries)


def full_message(active: Sequence[AlarmChange]) -> tuple[bytes, int]:
    """The full update of one code, and how many alarms are left out of it."""
    payload = _full([_entry(change) for change in active])
    if len(payload) <= MAX_PAYLOAD:
        return payload, 0
    entries = [_entry(change) | {"values": {}} for change in active]
    kept, size = 0, 0
    for entry in entries:
        size += len(encode(entry))
        if size > _ROOM:
            break
        kept += 1
    return _full(entries[:kept]), len(entries) - kept


def _full(entries: list[dict[str, Any]]) -> bytes:
    return encode({"entries": entries, "full": True})


def _entry(change: AlarmChange) -> dict[str, Any]:
    component = {"component": change.component} if change.component else {}
    return {"ts": iso(change.ts), **component, "active": change.active, "values": change.values}
