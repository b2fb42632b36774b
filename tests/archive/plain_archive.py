"""An archive in memory, as plain as can be: each answer is made anew from the entries. Others have to equal it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import lz4.block
import numpy as np
import trio
from attrs import define, evolve, field
from session_catalogue.naive_catalogue import naive_find, naive_properties

from rta.errors import ArchiveError, FlushPointError, MalformedError
from rta.ports import (
    START,
    ArchivedSession,
    ArchiveLimits,
    Batch,
    ChannelOverview,
    ChannelRanges,
    Chunk,
    DataKind,
    DataRange,
    Entry,
    FlushPoint,
    Hole,
    Portion,
    Position,
    RecordedRun,
    UpkeepReport,
)
from rta.session_query import Property, SessionQuery
from rta.wire import ChunkWriter, PeriodicData, RowData, TimeRange, TimestampedData, glance
from rta.wire._pb import data_pb2
from rta.wire.columns import ColumnReader
from rta.wire.json_text import SESSION_LIMITS, parse_json

_RESULT, _CHUNK = 10, 50
"""Samples."""


@define
class _Run:
    identity: str
    stream: str
    session_id: int
    start: Position
    entries: list[Entry] = field(factory=list)
    holes: list[Hole] = field(factory=list)
    held_from: Position = START
    ended: Position | None = None
    """Where another run had its id."""

    def named(self, point: FlushPoint) -> bool:
        return (self.stream, self.session_id) == (point.stream, point.session_id) and self.start <= point.position


@define
class _Session:
    identity: str
    json: str = ""
    span: TimeRange | None = None
    runs: list[_Run] = field(factory=list)
    version: int = 0


class PlainArchive:
    """Everything is on its disk at once. `fail` makes it one whose disk is full."""

    def __init__(self) -> None:
        self.fail: str | None = None
        self.down = False
        """Nothing can be read either."""
        self.portions = 0
        """How many have been appended."""
        self._points: dict[str, Position] = {}
        self._sessions: dict[str, _Session] = {}
        self._running: dict[tuple[str, int], _Run] = {}
        self._configurations: dict[str, str] = {}

    # ---- for the recorder

    async def flush_points(self) -> Mapping[str, Position]:
        await self._reading()
        return dict(self._points)

    async def append(self, portion: Portion) -> None:
        await self._writing()
        self.portions += 1
        for session_id, (identity, start) in portion.runs.items():
            self._run(portion.stream, session_id, identity, start)
        for session_id, hole in portion.holes.items():
            run = self._running[portion.stream, session_id]
            if hole not in run.holes:
                run.holes.append(hole)
        for entry in portion.entries:
            run = self._running[portion.stream, entry.session_id]
            if run.entries and entry.position <= run.entries[-1].position:
                continue
            run.entries.append(entry)
            session = self._sessions[run.identity]
            session.version += 1
            if entry.burst.session_json:
                session.json = entry.burst.session_json[-1]
            session.span = TimeRange.union_of(session.span, entry.burst.time_range, *_spans(entry))
        self._points[portion.stream] = portion.upto

    def _run(self, stream: str, session_id: int, identity: str, start: Position) -> None:
        run = self._running.get((stream, session_id))
        if run is not None and (run.identity, run.start) == (identity, start):
            return
        if run is not None:
            run.ended = start
        run = self._running[stream, session_id] = _Run(identity, stream, session_id, start)
        self._sessions.setdefault(identity, _Session(identity)).runs.append(run)

    async def describe(self, identity: str, json: str) -> None:
        await self._writing()
        session = self._sessions[identity]
        session.json = json
        session.version += 1

    async def publish(self, identifier: str, text: str) -> None:
        await self._writing()
        self._configurations.setdefault(identifier, text)

    async def upkeep(self, now: int, keep: ArchiveLimits) -> UpkeepReport:
        await self._writing()
        return UpkeepReport(sessions=len(self._sessions))

    def forget_entries(self, identity: str, upto: Position) -> None:
        """What is up to here can be had as chunks only."""
        for run in self._sessions[identity].runs:
            run.held_from = max(run.held_from, min(upto, self._upto(run)))

    # ---- for those who read

    async def find(self, identity: str) -> ArchivedSession | None:
        await self._reading()
        session = self._sessions.get(identity)
        return None if session is None else self._archived(session)

    async def sessions(self, query: SessionQuery) -> Sequence[ArchivedSession]:
        await self._reading()
        found = naive_find(self._documents(), query)
        return [evolve(self._archived(self._sessions[identity]), runs=()) for identity in found]

    async def properties(self, folder: str | None) -> Sequence[Property]:
        await self._reading()
        return naive_properties(self._documents(), folder)

    def _documents(self) -> dict[str, dict[str, Any]]:
        documents = {}
        for session in self._sessions.values():
            with suppress(MalformedError):
                documents[session.identity] = parse_json(session.json, "session JSON", SESSION_LIMITS, strict=True)
        return {identity: document for identity, document in documents.items() if isinstance(document, dict)}

    async def configuration(self, identifier: str) -> str | None:
        await self._reading()
        return self._configurations.get(identifier)

    @asynccontextmanager
    async def read(self, identity: str, wanted: DataRange) -> AsyncIterator[_PlainReader]:
        await self._reading()
        session = self._sessions.get(identity)
        runs = [] if session is None else list(session.runs)
        point: FlushPoint | None = None
        if wanted.upto is not None:
            named = [i for i, run in enumerate(runs) if run.named(wanted.upto)]
            if not named:
                raise FlushPointError(f"{wanted.upto} is no flush point of {identity}")
            runs, point = runs[: named[-1] + 1], wanted.upto
            if not runs[-1].held_from <= point.position <= self._upto(runs[-1]):
                raise FlushPointError(f"{wanted.upto} is not held any more")
        elif runs:
            point = FlushPoint(runs[-1].stream, runs[-1].session_id, self._upto(runs[-1]))
        entries = [e for run in runs for e in run.entries if run is not runs[-1] or e.position <= point.position]
        version = "" if session is None else str(session.version)
        yield _PlainReader(point, version, _chunks(entries, wanted))

    async def read_entries(self, after: FlushPoint, upto: Position, max_bytes: int) -> Batch:
        await self._reading()
        runs = [r for s in self._sessions.values() for r in s.runs if r.named(after)]
        if not runs:
            return Batch([], after.position, lost=True)
        run = max(runs, key=lambda r: r.start)
        end = min(upto, self._upto(run))
        gone = any(hole.after < end and after.position < hole.upto for hole in run.holes)
        if after.position < run.held_from or gone:
            return Batch([], after.position, lost=True)
        entries: list[Entry] = []
        size = 0
        for entry in run.entries:
            if after.position < entry.position <= end:
                size += entry.burst.raw_size
                if entries and size > max_bytes:
                    return Batch(entries, entries[-1].position)
                entries.append(entry)
        return Batch(entries, max(after.position, end))

    async def overview(
        self, identity: str, channels: ChannelRanges, start: int | None, end: int | None, points: int
    ) -> Sequence[ChannelOverview]:
        await self._reading()
        session = self._sessions.get(identity)
        columns: dict[int, list[tuple[Any, Any]]] = {}
        reader = ColumnReader()
        for run in session.runs if session else []:
            for entry in run.entries:
                for column in reader.read(entry.burst):
                    if _meets((column.channel,), channels):
                        columns.setdefault(column.channel, []).append((column.timestamps, column.samples))
        return [
            _overview(
                channel,
                np.concatenate([t for t, _ in parts]),
                np.concatenate([v for _, v in parts]),
                start,
                end,
                points,
            )
            for channel, parts in sorted(columns.items())
        ]

    async def delete(self, identity: str) -> bool:
        await self._writing()
        session = self._sessions.pop(identity, None)
        self._running = {k: r for k, r in self._running.items() if r.identity != identity}
        return session is not None

    # ----

    async def _reading(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.down:
            raise ArchiveError("the archive cannot be read")

    async def _writing(self) -> None:
        await self._reading()
        if self.fail is not None:
            raise ArchiveError(self.fail)

    def _upto(self, run: _Run) -> Position:
        if run.ended is not None:
            return run.ended
        last = run.entries[-1].position if run.entries else START
        return max(run.start, last, self._points.get(run.stream, START))

    def _archived(self, session: _Session) -> ArchivedSession:
        runs = tuple(
            RecordedRun(r.stream, r.session_id, r.start, self._upto(r), max(r.start, r.held_from), tuple(r.holes))
            for r in session.runs
        )
        sealed = glance(session.json).state.is_closed
        return ArchivedSession(session.identity, session.json, session.span, sealed, str(session.version), 0, runs)


class _PlainReader:
    def __init__(self, point: FlushPoint | None, version: str, chunks: list[Chunk]) -> None:
        self.flush_point = point
        self.version = version
        self.damaged = 0
        self._chunks = chunks
        self._writer = ChunkWriter()

    async def next(self) -> bytes:
        await trio.lowlevel.checkpoint()
        part, self._chunks = self._chunks[:3], self._chunks[3:]
        return self._writer.write(part)


# ---- samples one by one: (channels, timestamp, what it is)


def _items(entry: Entry, kind: DataKind) -> list[tuple[tuple[int, ...], int, Any]]:
    out: list[tuple[tuple[int, ...], int, Any]] = []
    for item in entry.burst.message().data:
        match item.WhichOneof("data"), kind:
            case "timestamped_data", DataKind.TIMESTAMPED:
                t = item.timestamped_data
                out += _timestamped(t)
            case "periodic_data", DataKind.PERIODIC:
                p = item.periodic_data
                width = len(p.buffer) // p.samples if p.samples > 0 else 0
                for i in range(p.samples if width else 0):
                    sample = p.buffer[i * width : (i + 1) * width]
                    out.append(((p.channel_id,), p.start_timestamp + i * p.interval, sample))
            case "row_data", DataKind.ROW:
                out.append((tuple(item.row_data.channel_ids), item.row_data.timestamp, item.row_data.buffer))
            case "event", DataKind.EVENTS:
                out.append(((), item.event.timestamp, item.event))
    return out


def _timestamped(t: TimestampedData) -> list[tuple[tuple[int, ...], int, Any]]:
    out: list[tuple[tuple[int, ...], int, Any]] = []
    width = len(t.buffer) // len(t.timestamp_deltas) if t.timestamp_deltas else 0
    at = t.start_timestamp
    for i, delta in enumerate(t.timestamp_deltas if width else []):
        at += delta * t.timestamp_deltas_scale
        out.append(((t.channel_id,), at, t.buffer[i * width : (i + 1) * width]))
    return out


def _spans(entry: Entry) -> list[TimeRange]:
    times = [at for kind in DataKind for _, at, _ in _items(entry, kind)]
    return [TimeRange(min(times), max(times))] if times else []


def _meets(channels: tuple[int, ...], wanted: ChannelRanges) -> bool:
    return any(first <= c <= last for c in channels for first, last in wanted)


def _chunks(entries: list[Entry], wanted: DataRange) -> list[Chunk]:
    by_channels: dict[tuple[int, ...], list[tuple[int, Any]]] = {}
    for entry in entries:
        for channels, at, what in _items(entry, wanted.kind):
            if wanted.kind is DataKind.EVENTS or _meets(channels, wanted.channels):
                by_channels.setdefault(channels, []).append((at, what))
    out = []
    for channels, samples in sorted(by_channels.items()):
        samples.sort(key=lambda sample: sample[0])
        for i in range(0, len(samples), _CHUNK):
            part = samples[i : i + _CHUNK]
            start, end = part[0][0], part[-1][0]
            if (wanted.start is None or end >= wanted.start) and (wanted.end is None or start <= wanted.end):
                raw = _list(wanted.kind, channels, part)
                packed = lz4.block.compress(raw, store_size=False)
                out.append(Chunk(wanted.kind, channels, start, end, len(raw), packed))
    return out


def _list(kind: DataKind, channels: tuple[int, ...], samples: list[tuple[int, Any]]) -> bytes:
    if kind is DataKind.EVENTS:
        return data_pb2.EventsList(events=[what for _, what in samples]).SerializeToString()
    if kind is DataKind.ROW:
        rows = [RowData(channel_ids=channels, timestamp=at, buffer=what) for at, what in samples]
        return data_pb2.RowDataList(row_data=rows).SerializeToString()
    if kind is DataKind.PERIODIC:
        one = [PeriodicData(channel_id=channels[0], start_timestamp=at, samples=1, buffer=w) for at, w in samples]
        return data_pb2.PeriodicDataList(periodic_data=one).SerializeToString()
    results = []
    for i in range(0, len(samples), _RESULT):
        part = samples[i : i + _RESULT]
        deltas = np.diff([at for at, _ in part], prepend=part[0][0]).tolist()
        results.append(
            TimestampedData(
                channel_id=channels[0],
                start_timestamp=part[0][0],
                timestamp_deltas_scale=1,
                timestamp_deltas=deltas,
                buffer=b"".join(what for _, what in part),
            )
        )
    return data_pb2.TimestampedDataList(timestamped_data=results).SerializeToString()


def _overview(
    channel: int, times: Any, values: Any, start: int | None, end: int | None, points: int
) -> ChannelOverview:
    first = int(times.min()) if start is None else start
    last = int(times.max()) if end is None else end
    length = max(1, -(-(last - first + 1) // points))
    rows = []
    for begin in range(first, last + 1, length):
        inside = values[(times >= begin) & (times < min(begin + length, last + 1))].astype(float)
        inside = inside[~np.isnan(inside)]
        if len(inside):
            rows.append((begin, begin + length, len(inside), inside.min(), inside.max(), inside.mean()))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)]
    return ChannelOverview(channel, *columns)
