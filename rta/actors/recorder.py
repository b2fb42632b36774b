"""The recorder: has the sessions of the buffer recorded in the archive.

Owns the roster of sessions and a recorder for each stream that has sessions to be recorded, in its own nursery. Looks
at the buffer's list of sessions about once a second. What it learns there and not from streams it tells the archive
itself: configurations, session JSONs that changed in the buffer only, and that a session which was recorded as open is
gone. Ends with `finish`, or when it is cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
import trio
from attrs import define

from rta.actors.recorder_lease import lease_owner
from rta.actors.recorder_roster import Roster, RosterRun
from rta.actors.recorder_stream import RecordingContext, StreamRecorder
from rta.actors.recorder_unfinished import UnfinishedSessions
from rta.errors import ArchiveError, TransportError
from rta.health import Health
from rta.ports import Archive, BurstLog, Reporter, SessionRecord

__all__ = ["Recorder"]

log = structlog.get_logger("rta.recorder")

_PERIOD = 1.0  # seconds between looks
_PATIENCE = 10.0  # seconds for the archive to answer
_LISTED = 0.05  # seconds between looks at the end
_AT_ONCE = 1000  # runs without a checkpoint
_IDLE = 30.0  # seconds after which a stream whose sessions are closed is no longer followed
_WHO = "recorder"


@define(eq=False)
class _Recorded:
    """A stream that is being recorded."""

    recorder: StreamRecorder
    scope: trio.CancelScope


class Recorder:
    """Records the sessions of one buffer that have certain details."""

    def __init__(
        self, archive: Archive, buffer: BurstLog, details: Mapping[str, str], health: Health, report: Reporter
    ) -> None:
        """`details`: those that a session must have; none: all sessions are recorded."""
        self._archive = archive
        self._buffer = buffer
        self._health = health
        self._roster = Roster(buffer, details, report)
        self._context = RecordingContext(
            archive, buffer, self._roster, health, report, lease_owner(), self._recorder_of
        )
        self._unfinished = UnfinishedSessions(archive, buffer, self._roster)
        self._streams: dict[str, _Recorded] = {}
        self._at_rest: dict[str, int] = {}
        """When sessions of streams that are no longer followed had been updated last, ms: by identity."""
        self._published: set[str] = set()
        self._nursery: trio.Nursery | None = None
        self._life = trio.CancelScope()

    @property
    def streams(self) -> int:
        """How many streams are recorded by us."""
        return sum(recorded.recorder.ours for recorded in self._streams.values())

    @property
    def lag(self) -> float:
        """How long the oldest of what waits to be recorded has waited, seconds."""
        return max((recorded.recorder.lag for recorded in self._streams.values()), default=0.0)

    async def run(self) -> None:
        """Until `finish`, or cancelled."""
        with self._life:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                while True:
                    try:
                        await self._refresh()
                        self._health.ok(_WHO)
                    except TransportError as e:
                        self._health.fail(_WHO, f"the buffer cannot be read: {e}")
                    except ArchiveError as e:
                        self._health.fail(_WHO, str(e))
                    except trio.TooSlowError:
                        self._health.fail(_WHO, "the archive does not answer")
                    for recorded in self._streams.values():
                        recorded.recorder.check()
                    await trio.sleep(_PERIOD)

    async def finish(self, patience: float) -> None:
        """Record what the buffer holds now, within so many seconds, and end."""
        with trio.move_on_after(patience) as scope:
            try:
                began = trio.current_time()
                while self._roster.listed_at <= began:
                    await self._roster.refresh()
                    await trio.sleep(_LISTED)
                await self._follow()
                async with trio.open_nursery() as nursery:
                    for recorded in list(self._streams.values()):
                        nursery.start_soon(self._catch_up, recorded.recorder)
            except TransportError as e:
                log.warning("not all may have been recorded: the buffer cannot be read", error=str(e))
        if scope.cancelled_caught:
            log.warning("not all has been recorded: it took too long", seconds=patience)
        self._life.cancel()

    @staticmethod
    async def _catch_up(recorder: StreamRecorder) -> None:
        try:
            await recorder.caught_up()
        except TransportError as e:
            log.warning("not all may have been recorded: the buffer cannot be read", error=str(e))

    # ---- which streams

    async def _refresh(self) -> None:
        if not await self._roster.refresh():
            return
        with trio.fail_after(_PATIENCE):
            await self._unfinished.load()
        await self._follow()
        for number, run in enumerate(self._roster.runs()):
            if number % _AT_ONCE == 0:  # live data goes first
                await trio.lowlevel.checkpoint()
            record = self._roster.current(run)
            if record is not None and run.recorded and self._keeps_up(run.stream):
                with trio.fail_after(_PATIENCE):
                    await self._compare(run, record)
        with trio.fail_after(_PATIENCE):
            await self._unfinished.mark()

    async def _follow(self) -> None:
        """Record the streams on which something is expected, and no others."""
        assert self._nursery is not None, "the recorder is not running"
        records = self._roster.records
        self._at_rest = {identity: at for identity, at in self._at_rest.items() if identity in records}
        wanted: set[str] = set()
        for number, run in enumerate(self._roster.runs()):
            if number % _AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            if self._expects(run):
                wanted.add(run.stream)
        for stream in wanted - self._streams.keys():
            recorded = self._streams[stream] = _Recorded(StreamRecorder(stream, self._context), trio.CancelScope())
            self._nursery.start_soon(self._run, recorded)
        for stream, recorded in list(self._streams.items()):
            self._roster.bound(stream)
            if recorded.recorder.idle_for > _IDLE:
                self._rest(stream)

    def _recorder_of(self, stream: str) -> StreamRecorder | None:
        recorded = self._streams.get(stream)
        return None if recorded is None else recorded.recorder

    @staticmethod
    async def _run(recorded: _Recorded) -> None:
        with recorded.scope:
            await recorded.recorder.run()

    def _expects(self, run: RosterRun) -> bool:
        """Whether there may be something of a run that is to be recorded."""
        record = self._roster.current(run)
        if run.selected is False:
            return False
        if record is None:  # records run out, also under sessions that go on
            return run.recorded and not run.closed
        return not self._is_closed(run) or self._at_rest.get(run.identity) != record.last_updated

    def _is_closed(self, run: RosterRun) -> bool:
        said = self._roster.said.get(run.identity)
        return run.closed or (said is not None and said.closed)

    def _rest(self, stream: str) -> None:
        """No longer follow a stream whose sessions are all closed: what there was is on the disk."""
        runs = [run for run in self._roster.runs(stream) if run.selected is not False]
        if all(self._is_closed(run) or self._roster.current(run) is None for run in runs):
            for run in runs:
                if (record := self._roster.current(run)) is not None:
                    self._at_rest[run.identity] = record.last_updated
                elif run.identity in self._roster.records:  # another run has taken over
                    run.closed = True
            self._streams.pop(stream).scope.cancel()

    def _keeps_up(self, stream: str) -> bool:
        recorded = self._streams.get(stream)
        return recorded is not None and recorded.recorder.ours and recorded.recorder.keeps_up

    # ---- what does not come by streams

    async def _compare(self, run: RosterRun, record: SessionRecord) -> None:
        """What the record of a recorded run says."""
        if run.doubt.believes(run.json, record.json) and record.json is not None:
            await self._archive.describe(run.identity, record.json)
            run.json = record.json
            run.doubt.settle()
        said = self._roster.said.get(run.identity)
        for identifier in () if said is None else said.configurations:
            if identifier not in self._published:
                text = await self._buffer.configuration(identifier)
                if text is not None:
                    await self._archive.publish(identifier, text)
                    self._published.add(identifier)
