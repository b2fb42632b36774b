"""The ingest reader: one source, written to the buffer.

Owns a writer on the source's stream. Receives updates from the source through a bounded `Pump`, so that the source
waits while the buffer is behind; ends when the source does. Whatever ends it, sessions that are still open are
closed as truncated.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from rta.backoff import Backoff
from rta.errors import TransportError
from rta.health import Health
from rta.ports import BurstLog, CloseSession, OpenSession, Reporter, SessionBurst, Source, SourceUpdate
from rta.wire import Burst
from rta.writer import Pump, WriteError, WriterObserver, WriterSettings, write_to

__all__ = ["IngestActor"]

log = structlog.get_logger("rta.ingest")

_SETTINGS = WriterSettings(max_bytes=1 << 20, on_full="wait", patience=5.0)


class IngestActor(WriterObserver):
    """Runs one source until it ends or is cancelled."""

    def __init__(
        self,
        name: str,
        stream: str,
        source: Source,
        buffer: BurstLog,
        health: Health,
        report: Reporter,
        clock: Callable[[], int],
    ) -> None:
        self.name = name
        self._stream = stream
        self._source = source
        self._buffer = buffer
        self._health = health
        self._report = report
        self._clock = clock
        self._backoff = Backoff(first=0.5, cap=10.0)
        self._has_data = False

    async def run(self) -> None:
        """Until the source ends; a source that cannot reach its other side is started again."""
        try:
            async with write_to(
                self._buffer, self._stream, settings=_SETTINGS, watcher=self, clock=self._clock
            ) as writer:
                pump = Pump(self.name, writer, self._report, self._handle)
                why = "the service stops"
                try:
                    while not await self._run_once(pump):
                        await writer.flush()
                        await self._backoff.pause()
                    why = "its source has ended"
                finally:
                    self._truncate(pump, why)
        except WriteError as e:
            log.warning("not all of it was written", source=self.name, error=str(e))

    async def _run_once(self, pump: Pump) -> bool:
        """Whether the source has ended."""
        try:
            await pump.run(self._source)
        except TransportError as e:
            self._health.fail(f"source {self.name!r}", str(e))
            log.warning("source failed, trying again", source=self.name, error=str(e))
            self._truncate(pump, "its source has failed")
            return False
        log.info("source ended", source=self.name)
        if not self._has_data:
            reason = "ended without a single sample"
            self._health.fail(f"source {self.name!r}", reason)
            log.warning("source without data", source=self.name, reason=reason)
        return True

    def _truncate(self, pump: Pump, why: str) -> None:
        for identity in pump.truncate():
            log.info("session ended early", source=self.name, identity=identity, state="truncated", why=why)

    # ---- what has been written

    def _handle(self, update: SourceUpdate) -> None:
        self._health.ok(f"source {self.name!r}")
        self._backoff.reset()
        match update:
            case OpenSession(identity, _):
                log.info("session opened", source=self.name, identity=identity)
            case SessionBurst():
                self._has_data = True
            case CloseSession(identity, _):
                log.info("session closed", source=self.name, identity=identity)

    def failing(self, reason: str | None) -> None:
        who = f"writing of source {self.name!r}"
        if reason is None:
            self._health.ok(who)
        else:
            self._health.fail(who, reason)

    def wrote(self, identity: str, burst: Burst) -> None:
        self._report.count("rta_ingest_bursts_total", source=self.name)
