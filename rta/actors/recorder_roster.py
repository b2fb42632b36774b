"""The roster of the recorder: which runs of sessions there are, which are to be recorded, and whose an entry is.

Owns what has been found in the buffer. The recorder has it refreshed about once a second; the recorders of streams ask
it, and wait for the next time where an entry is nobody's yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import inf

import trio
from attrs import define, field, frozen

from rta.errors import MalformedError
from rta.large_json import read_large
from rta.ports import BurstLog, Entry, Position, RecordedRun, Reporter, SessionRecord, StreamSessionId
from rta.sampling.selection import has_details, read_details
from rta.session.doubt import Doubt
from rta.session_list import SessionListCache
from rta.wire import SessionState
from rta.wire.json_text import SESSION_LIMITS, parse_json

__all__ = ["Roster", "RosterRun", "SaidOfSession", "read_said"]

_AT_ONCE = 100  # sessions without a checkpoint
_REMEMBERED = 256  # runs of a stream whose sessions the buffer does not know any more


@frozen(slots=True)
class SaidOfSession:
    """What a session JSON says that matters to recording."""

    details: Mapping[str, str] = field(factory=dict)
    configurations: tuple[str, ...] = ()
    """The identifiers of those that it is bound to."""
    closed: bool = False


def read_said(text: str) -> SaidOfSession:
    """Of a session JSON, whatever it is like.

    :raises MalformedError: kind `json` or `oversize`.
    """
    document = parse_json(text, "session JSON", SESSION_LIMITS)
    fields = {str(k).lower(): v for k, v in document.items()} if isinstance(document, dict) else {}
    bindings = fields.get("configbindings")
    bound = [{str(k).lower(): v for k, v in b.items()} for b in bindings or () if isinstance(b, dict)]
    identifiers = dict.fromkeys(b["identifier"] for b in bound if isinstance(b.get("identifier"), str))
    closed = SessionState.read(fields.get("state")).is_closed
    return SaidOfSession(read_details(fields.get("details")), tuple(identifiers), closed)


@define(eq=False)
class RosterRun:
    """A run of a session."""

    identity: str
    stream: str
    session_id: StreamSessionId
    opened: Position
    """Nothing of it is at or before this position, by its record."""
    start: Position
    """The same, as the archive has it, once that is known; never before `opened`."""
    moved_from: str | None = None
    """The stream of the run of its session before, if we know one."""
    selected: bool | None = None
    """Whether it is to be recorded; None: its session has no JSON yet, which would tell. Once it is, it stays so."""
    met: bool = False
    """It is known whether the archive has it already."""
    recorded: bool = False
    """The archive has it."""
    json: str | None = None
    """The last session JSON that the archive has."""
    heard_at: float = -inf
    """When an entry of it came last, Trio time."""
    closed: bool = False
    """Its last session JSON in the stream says so: nothing is expected of it any more."""
    doubt: Doubt = field(factory=Doubt)
    """Of the JSON of its record."""

    def is_run(self, record: SessionRecord) -> bool:
        """Whether a record is of this run."""
        where = (record.identity, record.stream, record.stream_session_id, record.stream_position.before())
        return where == (self.identity, self.stream, self.session_id, self.opened)


class Roster:
    """`records`: the sessions of the buffer, as of the last time."""

    def __init__(self, buffer: BurstLog, details: Mapping[str, str], report: Reporter) -> None:
        """`details`: those that a session must have to be recorded."""
        self.records: dict[str, SessionRecord] = {}
        self.said: dict[str, SaidOfSession] = {}
        """What their JSONs say, of those that have one."""
        self.complete_until = 0
        """All sessions that were opened before are known; ms, by the buffer's clock."""
        self.listed_at = -inf
        """When they were listed, Trio time."""
        self._buffer = buffer
        self._details = details
        self._report = report
        self._cache = SessionListCache(buffer.sessions)
        self._texts: dict[str, str] = {}
        self._newest: dict[str, RosterRun] = {}
        """Of each session in `records`."""
        self._runs: dict[str, dict[StreamSessionId, list[RosterRun]]] = {}
        """By stream and id, in the order in which they were opened."""
        self._refreshed = trio.Event()

    # ---- what there is

    async def refresh(self) -> bool:
        """List the sessions; whether the list is a new one.

        :raises TransportError: the buffer cannot be read.
        """
        now = await self._buffer.now()
        records = await self._cache.records()
        listed_at = trio.current_time() - self._cache.age
        if listed_at <= self.listed_at:
            return False
        self.records = {record.identity: record for record in records}
        self.said = {identity: said for identity, said in self.said.items() if identity in self.records}
        self._texts = {identity: text for identity, text in self._texts.items() if identity in self.records}
        self._newest = {identity: run for identity, run in self._newest.items() if identity in self.records}
        for number, record in enumerate(records):
            await self._add(record)
            if number % _AT_ONCE == 0:  # live data goes first
                await trio.lowlevel.checkpoint()
        self.complete_until = now - round(self._cache.age * 1000)
        self.listed_at = listed_at
        self._refreshed.set()
        self._refreshed = trio.Event()
        return True

    async def refreshed(self) -> None:
        """Wait until the sessions have been listed once more."""
        await self._refreshed.wait()

    async def listed_since(self, moment: float) -> None:
        """Wait until the sessions have been listed at this Trio time, or later."""
        while self.listed_at < moment:
            await self._refreshed.wait()

    async def find(self, identity: str) -> None:
        """Learn of one session at once.

        :raises TransportError: the buffer cannot be read.
        """
        record = await self._buffer.find(identity)
        if record is None:
            self.records.pop(identity, None)
        else:
            self.records[identity] = record
            await self._add(record)

    async def find_overtaken(self, identity: str, stream: str, entry: Entry) -> None:
        """Learn from an entry with a session JSON of a run that was over before we had heard of it: its session has
        another one, which begins further on in the stream."""
        record = self.records.get(identity)
        if record is None or record.stream != stream or record.stream_position < entry.position:
            return
        run = self.add_run(identity, stream, entry.session_id, entry.position.before())
        run.selected = not self._details
        with suppress(MalformedError):
            said = await read_large(read_said, entry.burst.session_json[-1])
            run.selected = has_details(said.details, self._details)

    async def _add(self, record: SessionRecord) -> None:
        before = self._newest.get(record.identity)
        if before is not None and not before.is_run(record):  # where a counter got lost, it may have an old run's id
            runs = self._of_id(record.stream, record.stream_session_id)
            runs[:] = [run for run in runs if not run.is_run(record)]
        run = self.add_run(record.identity, record.stream, record.stream_session_id, record.stream_position.before())
        if before is not run:
            self._newest[record.identity] = run
            run.moved_from = None if before is None else before.stream
        said = await self._read(record)
        if not self._details:
            run.selected = True
        elif said is not None and not run.selected:
            run.selected = has_details(said.details, self._details)

    async def _read(self, record: SessionRecord) -> SaidOfSession | None:
        text = record.json
        if text is None:
            return None
        if self._texts.get(record.identity) != text:
            try:
                said = await read_large(read_said, text)
            except MalformedError as e:
                self._report.malformed(f"session {record.identity!r}", e.kind, str(e))
                said = SaidOfSession()
            self._texts[record.identity], self.said[record.identity] = text, said
        return self.said[record.identity]

    def add_run(self, identity: str, stream: str, session_id: StreamSessionId, opened: Position) -> RosterRun:
        """The same again is nothing new."""
        runs = self._of_id(stream, session_id)
        for run in runs:
            if (run.identity, run.opened) == (identity, opened):
                return run
        run = RosterRun(identity, stream, session_id, opened, opened)
        runs.append(run)
        runs.sort(key=lambda run: run.opened)  # of those that began at the same place, the one found last is the last
        return run

    def find_run(self, identity: str, recorded: RecordedRun) -> RosterRun:
        """The run that the archive has, as of its record, if the buffer knows it."""
        for run in self._of_id(recorded.stream, recorded.session_id):
            if run.identity == identity and run.opened <= recorded.start:
                return run
        return self.add_run(identity, recorded.stream, recorded.session_id, recorded.start)

    def _of_id(self, stream: str, session_id: StreamSessionId) -> list[RosterRun]:
        return self._runs.setdefault(stream, {}).setdefault(session_id, [])

    # ---- whose an entry is

    def run_at(self, stream: str, session_id: StreamSessionId, position: Position) -> RosterRun | None:
        """The run that has an entry with this id at this place: of several that the buffer knows, or of those it does
        not, the one that was opened last."""
        runs = [run for run in self._runs.get(stream, {}).get(session_id, ()) if run.opened < position]
        if len(runs) > 1:
            runs = [run for run in runs if self.current(run) is not None] or runs
        return runs[-1] if runs else None

    def runs(self, stream: str | None = None) -> list[RosterRun]:
        """Those of a stream, or all."""
        streams = self._runs.values() if stream is None else [self._runs.get(stream, {})]
        return [run for by_id in streams for runs in by_id.values() for run in runs]

    def begin_again(self, stream: str) -> None:
        """What was to be recorded may be on the disk or not: it is found out anew."""
        for run in self.runs(stream):
            if not run.recorded:
                run.met, run.start = False, run.opened

    def current(self, run: RosterRun) -> SessionRecord | None:
        """The record of a run that the buffer still knows."""
        record = self.records.get(run.identity)
        return record if record is not None and run.is_run(record) else None

    def forget_old(self, stream: str) -> None:
        """The stream begins anew: its ids are those of the sessions that the buffer knows now, and of nobody else."""
        runs = [run for run in self.runs(stream) if self.current(run) is not None]
        for run in runs:
            run.met = False
        self._keep(stream, runs)

    def bound(self, stream: str) -> None:
        """Forget the oldest of too many runs of which the buffer knows nothing."""
        runs = self.runs(stream)
        gone = sorted((run for run in runs if self.current(run) is None), key=lambda run: run.opened)
        if len(gone) > _REMEMBERED:
            forgotten = set(map(id, gone[:-_REMEMBERED]))
            self._keep(stream, [run for run in runs if id(run) not in forgotten])

    def _keep(self, stream: str, runs: Iterable[RosterRun]) -> None:
        self._runs[stream] = {}
        for run in runs:
            self._of_id(stream, run.session_id).append(run)
