"""Listing sessions: their JSON as it was written, with the time range that is known now, sorted and paged."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import trio
from attrs import frozen

from rta.clock_bounds import ClockBounds
from rta.errors import MalformedError, NotConnectedError
from rta.large_json import read_large
from rta.ports import SessionRecord
from rta.rest.told_range import RangeSlot, find_slot
from rta.session.session_range import SessionRange
from rta.session_list import SessionListCache
from rta.wire import TimeRange
from rta.wire.json_text import SESSION_LIMITS, parse_json
from rta.wire.session_json import read_span

__all__ = ["SessionCatalogue", "Page", "list_sessions"]

_CLOCKS = ClockBounds()
_MOST = 100_000  # sessions of which it is remembered where their time range stands
_AT_ONCE = 100  # sessions written without a checkpoint
_SMALL = 4096  # characters of a session JSON that are read at once
_SORTABLE = {"identity", "identifier", "state", "timestamp", "type", "group", "version", "quality"}
_NEEDED = {*_SORTABLE, "children", "timerange"}


@frozen
class Page:
    """Which part of the list to give, and in which order. `sort`: `property:asc` or `property:desc`."""

    index: int = 0
    size: int | None = None
    sort: tuple[str, ...] = ("timestamp:desc",)


class SessionCatalogue:
    """The sessions of a buffer: not read more often than is good for it, and not parsed twice."""

    def __init__(self, read: Callable[[], Awaitable[list[SessionRecord]]], clocks: ClockBounds = _CLOCKS) -> None:
        """`clocks`: what time ranges may say."""
        self._clocks = clocks
        self._cache = SessionListCache(read)
        self._records: list[SessionRecord] = []
        self._parsed: dict[str, tuple[str, dict[str, Any] | None]] = {}
        self._slots: dict[str, tuple[str, RangeSlot | None]] = {}

    async def list(self, page: Page) -> str:
        """See `list_sessions`.

        :raises TransportError: the buffer cannot be read, or a session JSON is large and cannot be read now.
        """
        records = await self._cache.records()
        if records is not self._records:
            self._records = records
            known = {r.identity for r in records}
            self._parsed = {k: v for k, v in self._parsed.items() if k in known}
            self._slots = {k: v for k, v in self._slots.items() if k in known}
        for record in records:
            await self._parse(record)
        texts = []
        for i, record in enumerate(list_sessions(records, page, self._fields), 1):
            texts.append(await self.text(record))
            if i % _AT_ONCE == 0:  # live data goes first
                await trio.lowlevel.checkpoint()
        return '{"sessions":[' + ",".join(texts) + "]}"

    async def text(self, record: SessionRecord) -> str:
        """The JSON of a session that has one, with the time range that is known now."""
        text = record.json or ""
        if record.time_range is None:
            return text
        known = SessionRange(self._clocks)
        known.expand(record.time_range, record.last_updated)
        parsed, fields = self._parsed.get(record.identity, ("", None))
        if fields is not None and parsed == text:  # most are closed, and say it all
            own = read_span(fields.get("timerange"))
            if TimeRange.union_of(own, known.told) == own:
                return text
        slot = await self._slot(record.identity, text)
        return text if slot is None else slot.fill(text, known.told)

    async def _slot(self, identity: str, text: str) -> RangeSlot | None:
        found = self._slots.get(identity)
        if found is None or found[0] != text:
            try:
                slot = find_slot(text) if len(text) <= _SMALL else await read_large(find_slot, text)
            except MalformedError:
                slot = None
            except NotConnectedError:  # perhaps the next time
                return None
            if len(self._slots) >= _MOST:
                self._slots.clear()
            found = self._slots[identity] = (text, slot)
        return found[1]

    async def _parse(self, record: SessionRecord) -> None:
        text = record.json or ""
        known = self._parsed.get(record.identity)
        if known is None or known[0] != text:
            try:
                fields = await read_large(read_fields, text)
            except MalformedError:
                fields = None
            self._parsed[record.identity] = text, fields

    def _fields(self, record: SessionRecord) -> dict[str, Any] | None:
        text, fields = self._parsed.get(record.identity, ("", None))
        return fields if text == record.json else None


def list_sessions(
    records: Iterable[SessionRecord],
    page: Page,
    read: Callable[[SessionRecord], dict[str, Any] | None] = lambda record: read_fields(record.json or ""),
) -> list[SessionRecord]:
    """The top-level sessions of a page; sessions without a readable JSON are left out."""
    found: list[tuple[dict[str, Any], SessionRecord]] = []
    children: set[str] = set()
    for record in records:
        fields = read(record)
        if record.json is not None and fields is not None:
            found.append((fields, record))
            children.update(c for c in _list(fields.get("children")) if isinstance(c, str))
    found = [(fields, record) for fields, record in found if not _is_child(fields.get("identity"), children)]
    orders: dict[str, str] = {}  # a property that is named again changes nothing
    for name, _, order in (key.partition(":") for key in page.sort):
        if name in _SORTABLE:
            orders.setdefault(name, order)
    for name, order in reversed((orders or {"timestamp": "desc"}).items()):
        found.sort(key=lambda item: _sort_key(item[0].get(name)), reverse=order == "desc")
    start = page.index * (page.size or 0)
    part = found[start:] if page.size is None else found[start : start + page.size]
    return [record for _, record in part]


def read_fields(text: str) -> dict[str, Any] | None:
    """What a list needs of a session JSON, its keys in lower case; None if it is no JSON object."""
    try:
        document = parse_json(text, "session JSON", SESSION_LIMITS, strict=True)
    except MalformedError:
        return None
    if not isinstance(document, dict):
        return None
    fields = {str(k).lower(): v for k, v in document.items()}
    return {k: v for k, v in fields.items() if k in _NEEDED}


def _is_child(identity: object, children: set[str]) -> bool:
    return isinstance(identity, str) and identity in children


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _sort_key(value: object) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        try:
            return 1, float(value), ""
        except OverflowError:
            return 1, math.inf, ""
    return (2, 0.0, value) if isinstance(value, str) else (0, 0.0, "")
