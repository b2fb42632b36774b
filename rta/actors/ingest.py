"""The ingest reader: one source, written to the buffer.

Owns the source's open sessions. Receives updates from the source over a bounded channel, so that the source waits
while the buffer is behind; ends when the source does. Whatever ends it, sessions that are still open are closed as
truncated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import structlog
import trio

from rta.actors.health import Health
from rta.backoff import Backoff
from rta.configurations import Configurations
from rta.errors import MalformedError, RtaError, TransportError, first_error
from rta.ports import (
    BurstLog,
    CloseSession,
    OpenSession,
    Publish,
    Reporter,
    SessionBurst,
    SessionRecord,
    Source,
    SourceUpdate,
    UpdateSession,
)
from rta.wire import Burst, SessionState, json_item, make_burst, read_session, write_session
from rta.wire.session_json import TimeRangeModel
from rta.wire.values import TimeRange

__all__ = ["IngestActor"]

log = structlog.get_logger("rta.ingest")

T = TypeVar("T")

_BOUND = 16  # updates on their way from the source to the buffer
_LAST_WORDS = 5.0  # seconds for closing sessions when we are being stopped


class _Session:
    """An open session of ours."""

    def __init__(self, record: SessionRecord, json: str) -> None:
        self.record = record
        self.json = json
        self.span: TimeRange | None = None


class IngestActor:
    """Runs one source until it ends or is cancelled."""

    def __init__(
        self,
        name: str,
        stream: str,
        source: Source,
        buffer: BurstLog,
        configurations: Configurations,
        health: Health,
        report: Reporter,
        clock: Callable[[], int],
    ) -> None:
        self.name = name
        self._stream = stream
        self._source = source
        self._buffer = buffer
        self._configurations = configurations
        self._health = health
        self._report = report
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    async def run(self) -> None:
        """Until the source ends; a source that cannot reach its other side is started again."""
        who = f"source {self.name!r}"
        backoff = Backoff(first=0.5, cap=10.0)

        def well() -> None:
            self._health.ok(who)
            backoff.reset()

        try:
            while True:
                try:
                    await self._run_once(well)
                except TransportError as e:
                    self._health.fail(who, str(e))
                    log.warning("source failed, trying again", source=self.name, error=str(e))
                    await self._truncate()
                    await backoff.pause()
                else:
                    log.info("source ended", source=self.name)
                    return
        finally:
            with trio.move_on_after(_LAST_WORDS, shield=True):
                await self._truncate()

    async def _run_once(self, well: Callable[[], None]) -> None:
        send, receive = trio.open_memory_channel[SourceUpdate](_BOUND)
        failure: RtaError | None = None
        try:
            async with trio.open_nursery() as nursery, receive:
                nursery.start_soon(self._drive, send)
                async for update in receive:
                    await self._take(update)
                    well()
        except* TransportError as group:
            failure = first_error(group)
        if failure is not None:
            raise failure

    async def _drive(self, send: trio.MemorySendChannel[SourceUpdate]) -> None:
        async with send:
            await self._source.run(send)

    async def _take(self, update: SourceUpdate) -> None:
        match update:
            case Publish(identifier, text):
                self._configurations.add(identifier, text)
            case OpenSession(identity, json):
                record = await self._insist(lambda: self._buffer.open_session(identity, self._stream))
                self._sessions[identity] = _Session(record, json)
                await self._append(identity, make_burst([json_item(json)]))
                log.info("session opened", source=self.name, identity=identity)
            case UpdateSession(identity, json):
                if identity in self._sessions:
                    self._sessions[identity].json = json
                await self._append(identity, make_burst([json_item(json)]))
            case SessionBurst(identity, burst):
                await self._append(identity, burst)
            case CloseSession(identity, json):
                await self._append(identity, make_burst([json_item(json)]))
                self._sessions.pop(identity, None)
                log.info("session closed", source=self.name, identity=identity)

    async def _append(self, identity: str, burst: Burst) -> None:
        session = self._sessions.get(identity)
        if session is None:
            self._report.malformed(self.name, "session", f"data of session {identity!r}, which is not open")
            return
        session.span = TimeRange.of(session.span, burst.time_range)
        await self._insist(lambda: self._buffer.append(session.record, burst))
        self._report.count("rta_ingest_bursts_total", source=self.name)

    async def _insist(self, do: Callable[[], Awaitable[T]]) -> T:
        """Until the buffer can be reached. The source waits meanwhile."""
        backoff = Backoff()
        who = f"writing of source {self.name!r}"
        while True:
            try:
                result = await do()
            except TransportError as e:
                self._health.fail(who, str(e))
                await backoff.pause()
            else:
                self._health.ok(who)
                return result

    async def _truncate(self) -> None:
        for identity, session in list(self._sessions.items()):
            try:
                json = self._truncated(session)
            except MalformedError as e:
                self._report.malformed(self.name, e.kind, str(e))
            else:
                await self._append(identity, make_burst([json_item(json)]))
                log.info("session truncated", source=self.name, identity=identity)
            del self._sessions[identity]

    def _truncated(self, session: _Session) -> str:
        model = read_session(session.json)
        model.state = SessionState.TRUNCATED
        model.end_timestamp = datetime.fromtimestamp(self._clock() / 1e9, UTC).isoformat()
        if session.span is not None:
            model.time_range = TimeRangeModel(session.span.start, session.span.end)
        return write_session(model)
