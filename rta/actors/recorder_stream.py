"""The recorder of one stream: has what comes in it appended to the archive, from its flush point on.

Owns its place in the stream, and the portion that is being gathered. Reads the log by itself, at its own pace: what is
far behind in pieces, as any back-fill, and follows the stream from there. Asks the roster whose an entry is. Whatever
fails, it begins again from the flush point, so that nothing is lost which the buffer still holds. Ends when it is
cancelled.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import inf

import structlog
import trio
from attrs import frozen

from rta.actors.recorder_lease import LeaseLost, StreamLease
from rta.actors.recorder_portion import GatheredPortion, glance_at
from rta.actors.recorder_roster import Roster, RosterRun
from rta.actors.stream_place import StreamPlace
from rta.backoff import Backoff
from rta.errors import ArchiveError, TransportError
from rta.health import Health
from rta.ports import (
    START,
    Archive,
    Batch,
    BurstLog,
    Entry,
    FlushPoint,
    Hole,
    Position,
    RecordedRun,
    Reporter,
    StreamSessionId,
)
from rta.wakeup import Wakeup

__all__ = ["RecordingContext", "StreamRecorder"]

log = structlog.get_logger("rta.recorder")

_GATHERED = 0.15  # seconds from the arrival of an entry to its being appended
_PORTION = 4 << 20  # bytes of packed bursts in one portion, and a little over
_PIECE = 1 << 20  # bytes read at once of what is far behind
_LATE = 10.0  # seconds that something may wait
_BEHIND = 5.0  # seconds that it may be behind before it no longer follows, but reads
_MOVED = 5.0  # seconds after which a flush point moves on though nothing is to be recorded
_NOBODYS = 2.0  # seconds for the buffer to say whose an entry is
_REMEMBERED = 4096  # ids that nobody is known by
_SLOWEST = 10.0  # seconds between tries
_ENDED = 30.0  # seconds for another stream to be recorded up to where a session has left it


@frozen
class RecordingContext:
    """What all recorders of streams work with."""

    archive: Archive
    buffer: BurstLog
    roster: Roster
    health: Health
    report: Reporter
    owner: str
    """Who we are where leases are kept."""
    recorder_of: Callable[[str], StreamRecorder | None]
    """That of another stream, if it is being recorded."""


class StreamRecorder:
    """Records one stream."""

    def __init__(self, stream: str, context: RecordingContext) -> None:
        self.stream = stream
        self._archive = context.archive
        self._buffer = context.buffer
        self._roster = context.roster
        self._recorder_of = context.recorder_of
        self._health = context.health
        self._report = context.report
        self._lease = StreamLease(context.buffer, stream, context.owner)
        self._who = f"recording of stream {stream!r}"
        self._place: StreamPlace | None = None
        self._flushed = START
        """Up to where there is nothing left to be recorded."""
        self._upto = START
        """Up to where entries have been gathered, or left out."""
        self._gathered = GatheredPortion()
        self._moved_at = -inf
        """When a portion was appended last."""
        self._nobodys: dict[StreamSessionId, None] = {}
        """Ids that nobody is known by."""
        self._trusted_since = context.roster.listed_at
        """Lists of sessions from before are not to be trusted, Trio time: ids may have been given anew."""
        self._behind_since: float | None = None
        self._begins_anew = False
        """Whether the log has given places again that we know."""
        self._waits_for: StreamRecorder | None = None
        self._busy_at = trio.current_time()
        """When something came last that was to be recorded."""
        self._keeps_up = False
        self._elsewhere = False
        """Whether somebody else records it."""
        self._failing = False
        self._progress = Wakeup()

    # ---- what others may ask

    @property
    def ours(self) -> bool:
        """Whether we record it, rather than somebody else."""
        return self._lease.held

    @property
    def keeps_up(self) -> bool:
        """Whether all that has come is on the disk, or soon will be."""
        return self._keeps_up and not self._failing

    @property
    def lag(self) -> float:
        """How long something has been waiting to be recorded, seconds."""
        waits = min(self._gathered.since, self._behind_since or inf)
        return 0.0 if waits == inf else max(0.0, trio.current_time() - waits)

    async def caught_up(self) -> None:
        """Wait until all that the stream holds now is on the disk, or somebody else records it.

        :raises TransportError: the buffer cannot be read.
        """
        head = await self._buffer.head(self.stream)
        while not self._is_recorded(head):
            await self._progress.wait()

    def _is_recorded(self, upto: Position) -> bool:
        """Whether all up to here is on the disk, or for somebody else to record."""
        return self._elsewhere or (self._upto >= upto and self._gathered.is_empty)

    def may_reach(self, position: Position) -> bool:
        """Whether what is up to here is not on the disk yet, and nothing keeps it from getting there."""
        return not self._failing and not self._is_recorded(position)

    async def moved(self) -> None:
        """Wait until something more is on the disk, or has been left out, or nothing is being recorded any more."""
        await self._progress.wait()

    def waits_for(self, other: StreamRecorder) -> bool:
        """Whether the other one has to get on first, by whatever detour."""
        waits_for = self._waits_for
        return waits_for is not None and (waits_for is other or waits_for.waits_for(other))

    @property
    def idle_for(self) -> float:
        """For how long nothing has come that was to be recorded, seconds; 0 while something may wait."""
        return trio.current_time() - self._busy_at if self.keeps_up or self._elsewhere else 0.0

    def check(self) -> None:
        """See whether it moves: what waits for long makes us unhealthy."""
        moved_at = max(self._moved_at, trio.current_time() - self.lag)
        waits = trio.current_time() - moved_at
        if self.lag and waits > _LATE and not self._failing:
            self._fails(f"the archive has not taken anything for {waits:.0f} s")

    # ---- its task

    async def run(self) -> None:
        """Until cancelled."""
        backoff = Backoff(first=0.1, cap=_SLOWEST)
        try:
            while True:
                try:
                    await self._lease.obtain(self._has_another)
                    self._elsewhere = False
                    await self._record(backoff.reset)
                except LeaseLost:
                    self._has_another()
                except TransportError as e:
                    self._fails(f"the buffer cannot be read: {e}")
                    with suppress(TransportError, ArchiveError, LeaseLost):  # it may not give it a second time
                        await self._commit(at_once=True)
                except ArchiveError as e:
                    self._fails(str(e))
                    self._report.count("rta_archive_failures_total")
                    with suppress(TransportError):
                        await self._lease.release()  # somebody else may have a disk that works
                self._clear()
                self._keeps_up, self._trusted_since = False, trio.current_time()
                self._roster.begin_again(self.stream)
                await backoff.pause()
        finally:
            self._health.ok(self._who)
            with trio.move_on_after(1) as scope, suppress(TransportError):
                scope.shield = True
                await self._lease.release()

    def _has_another(self) -> None:
        """Somebody else records it."""
        if not self._elsewhere:
            self._elsewhere = True
            log.info("somebody else records the stream", stream=self.stream)
        self._behind_since = None
        self._works()
        self._progress.set()

    def _fails(self, why: str) -> None:
        self._behind_since = self._behind_since or min(trio.current_time(), self._gathered.since)
        if not self._failing:
            self._failing = True
            log.error("a stream is not being recorded; live goes on", stream=self.stream, why=why)
        self._health.fail(self._who, f"nothing is being recorded: {why}")

    def _works(self) -> None:
        if self._failing:
            self._failing = False
            log.info("the stream is being recorded again", stream=self.stream)
        self._health.ok(self._who)

    def _clear(self) -> None:
        """Gather from nothing."""
        self._gathered = GatheredPortion()
        self._progress.set()

    async def _record(self, reset: Callable[[], None]) -> None:
        """While the stream is ours."""
        place = await self._find_place()
        await self._roster.listed_since(self._trusted_since)
        begins_anew = await place.agree(self._buffer)
        if begins_anew:
            self._begins_anew = True
            self._roster.forget_old(self.stream)
            self._nobodys.clear()
        self._flushed = self._upto = place.position
        self._moved_at = trio.current_time()
        self._behind_since = self._behind_since or self._moved_at
        while True:
            await self._read_up(place, begins_anew)
            begins_anew = False
            self._works()
            self._behind_since = None
            reset()
            await self._follow(place)
            self._behind_since = trio.current_time()

    async def _find_place(self) -> StreamPlace:
        """Where to begin: the flush point, or where the first of the runs begins."""
        flushed = (await self._archive.flush_points()).get(self.stream)
        if flushed is None:
            flushed = min((run.opened for run in self._roster.runs(self.stream)), default=START)
        if self._place is None or self._flushed != flushed or self._place.position < flushed:
            self._place = StreamPlace(self.stream, flushed)
        else:
            self._place.go_back(flushed)
        return self._place

    async def _read_up(self, place: StreamPlace, begins_anew: bool) -> None:
        """What the stream holds now, in pieces: it may be much, and followers of the log are not to wait behind it."""
        while place.position < (head := await self._buffer.head(self.stream)):
            batch = await self._buffer.read(self.stream, place.position, head, _PIECE)
            # What is missing where the log begins anew is nobody's hole: it is there already.
            await self._receive(place, batch, batch.lost and not begins_anew)
            await self._commit()
            await self._lease.confirm()
        await self._commit(at_once=True)

    async def _follow(self, place: StreamPlace) -> None:
        """Until it is too far behind."""
        async with self._buffer.follow(self.stream, place.position) as tail:
            self._keeps_up = True
            while True:
                batch: Batch | None = None
                with trio.move_on_at(min(self._due, self._lease.renew_at)):
                    batch = await tail.next()
                if batch is not None:
                    await self._receive(place, batch, batch.lost)
                began = trio.current_time()
                await self._commit()
                await self._lease.confirm()
                if trio.current_time() - began > _BEHIND:
                    self._keeps_up = False
                    return

    @property
    def _due(self) -> float:
        """When what has been gathered is to be appended, Trio time."""
        if not self._gathered.is_empty:
            return self._gathered.since + _GATHERED
        return self._moved_at + _MOVED if self._upto != self._flushed else inf

    # ---- entries

    async def _receive(self, place: StreamPlace, batch: Batch, lost: bool) -> None:
        if lost:
            await self._miss(batch.entries[0].position.before() if batch.entries else batch.position)
        for entry in batch.entries:
            run = await self._owner(entry)
            if run is not None:
                await self._gather(entry, run)
            self._upto = entry.position
        if batch.entries:
            place.have_read(batch.entries)
        place.move_on(batch.position)
        self._upto = max(self._upto, batch.position)
        self._progress.set()

    async def _owner(self, entry: Entry) -> RosterRun | None:
        """Whose it is; None: it is not to be recorded."""
        run = self._run_of(entry)
        told = _identity(entry)
        if run is None or told not in (None, run.identity):
            if told is not None:
                await self._roster.find(told)
                await self._roster.find_overtaken(told, self.stream, entry)
                run = self._run_of(entry)
            if run is not None and told not in (None, run.identity):
                run = None  # the id is somebody else's from here on
        if run is None or run.selected is None:
            run = await self._wait_for_run(entry)
        return run if run is not None and run.selected else None

    def _run_of(self, entry: Entry) -> RosterRun | None:
        return self._roster.run_at(self.stream, entry.session_id, entry.position)

    async def _wait_for_run(self, entry: Entry) -> RosterRun | None:
        """The run of an entry of which that is not known yet. None: it is nobody's, or nobody knows what it is of."""
        received_at, run, told = trio.current_time(), self._run_of(entry), _identity(entry)
        while run is None or run.selected is None or told not in (None, run.identity):
            if entry.session_id in self._nobodys or self._have_been_listed(entry, received_at):
                self._nobodys[entry.session_id] = None
                if len(self._nobodys) > _REMEMBERED:
                    del self._nobodys[next(iter(self._nobodys))]
                self._report.count("rta_archive_left_out_total")
                return None
            await self._commit(at_once=True)  # what came before does not wait
            await self._lease.confirm()
            with trio.move_on_at(self._lease.renew_at):
                await self._roster.refreshed()
            run = self._run_of(entry)
        self._nobodys.pop(entry.session_id, None)
        return run

    def _have_been_listed(self, entry: Entry, received_at: float) -> bool:
        """Whether its session would be known if there was one."""
        known = self._roster.complete_until >= entry.position.ms + _NOBODYS * 1000
        return known or self._roster.listed_at >= received_at + _NOBODYS

    async def _gather(self, entry: Entry, run: RosterRun) -> None:
        if not self._gathered.admits(run):
            await self._commit(at_once=True)
        await self._meet(run, entry)
        self._busy_at = run.heard_at = trio.current_time()
        self._gathered.add(entry, run, self._busy_at)

    async def _meet(self, run: RosterRun, entry: Entry | None = None) -> None:
        """Find out whether the archive has the run already, and what of it has been passed by. `entry`: the first that
        is to be recorded."""
        if run.met:
            return
        run.start, run.recorded = run.opened, False
        found = await self._archive.find(run.identity)
        known = [] if found is None else [recorded for recorded in found.runs if _may_be(run, recorded)]
        if found is not None and known and known[-1] is found.runs[-1] and await self._goes_on(known[-1], entry):
            run.start, run.recorded, run.json = known[-1].start, True, found.json
            run.met = True
            return
        left = run.moved_from or (found.runs[-1].stream if found is not None and found.runs else None)
        await self._wait_for_end(left)
        if known:
            run.start = self._upto if entry is None else entry.position.before()
        elif run.start < self._upto:
            if await self._lacks(run):
                hole = Hole(run.start, self._upto, "it was not being recorded then")
                self._gathered.add_hole(run, hole, trio.current_time())
            else:
                run.start = self._upto
        run.met = True

    async def _goes_on(self, known: RecordedRun, entry: Entry | None) -> bool:
        """Whether an entry is of a recorded run, rather than of one to which the log, when it began anew with a clock
        that had gone back, has given the same id and the same place."""
        if entry is None or entry.position > known.upto or not self._begins_anew:
            return True
        before = FlushPoint(known.stream, known.session_id, entry.position.before())
        there = (await self._archive.read_entries(before, entry.position, 1)).entries
        return any((e.position, e.burst.packed) == (entry.position, entry.burst.packed) for e in there)

    async def _wait_for_end(self, stream: str | None) -> None:
        """Have recorded what a stream holds now that a session has left: flush points name a single stream, and runs
        are recorded in order."""
        other = None if stream in (None, self.stream) else self._recorder_of(stream)
        if other is None or other.waits_for(self):
            return
        head = await self._buffer.head(other.stream)
        gives_up_at = trio.current_time() + _ENDED
        self._waits_for = other
        try:
            while other.may_reach(head) and trio.current_time() < gives_up_at:
                await self._commit(at_once=True)  # what came before does not wait
                await self._lease.confirm()
                with trio.move_on_at(min(gives_up_at, self._lease.renew_at)):
                    await other.moved()
        finally:
            self._waits_for = None

    async def _lacks(self, run: RosterRun) -> bool:
        """Whether there are, or were, entries of a run up to here, which we have passed by."""
        upto = self._upto
        if (await self._buffer.read(self.stream, run.start, upto, 1)).lost:
            return True
        return await self._buffer.last_data(self.stream, run.session_id, run.start, upto) is not None

    # ---- holes

    async def _miss(self, upto: Position) -> None:
        """Entries behind those that have been gathered, and up to here, are gone."""
        after = self._upto
        log.error("the buffer was trimmed faster than it was recorded", stream=self.stream, after=str(after))
        for run in self._roster.runs(self.stream):
            newest = self._roster.run_at(self.stream, run.session_id, upto) is run
            if newest and run.selected and not run.closed:
                await self._meet(run)
                if run.start < upto:
                    hole = Hole(max(after, run.start), upto, "the buffer was trimmed before it was recorded")
                    if not self._gathered.admits(run):
                        await self._commit(at_once=True)
                    self._gathered.add_hole(run, hole, trio.current_time())
        self._upto = max(self._upto, upto)

    # ---- appending

    async def _commit(self, at_once: bool = False) -> None:
        """Append what has been gathered, if it is due.

        :raises ArchiveError: it may be on the disk, or not.
        """
        gathered = self._gathered
        if not (at_once and not gathered.is_empty) and gathered.bytes < _PORTION and trio.current_time() < self._due:
            return
        await self._lease.confirm()
        portion = gathered.portion(self.stream, self._upto)
        await self._archive.append(portion)
        gathered.note_recorded()
        self._report.count("rta_archive_bursts_total", len(gathered.entries))
        self._report.count("rta_archive_packed_bytes_total", gathered.bytes)
        self._report.count("rta_archive_holes_total", len(gathered.holes))
        self._flushed, self._moved_at = portion.upto, trio.current_time()
        self._clear()


def _may_be(run: RosterRun, recorded: RecordedRun) -> bool:
    """Whether a recorded run of the same session may be this one."""
    where = (recorded.stream, recorded.session_id)
    return where == (run.stream, run.session_id) and recorded.start >= run.opened


def _identity(entry: Entry) -> str | None:
    """The identity in its session JSON, if it has one."""
    seen = glance_at(entry.burst)
    return None if seen is None else seen.identity
