"""From a source to a writer: what the source reports becomes sessions that are written.

Owns the sessions the source has open. Receives updates over a bounded channel, so that the source waits while the
log is behind.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from rta.errors import MalformedError, RtaError, TransportError, first_error
from rta.ports import (
    CloseSession,
    OpenSession,
    Publish,
    Reporter,
    SessionBurst,
    Source,
    SourceUpdate,
    UpdateSession,
)
from rta.wire import SessionState
from rta.writer.session import SessionWriter
from rta.writer.writer import Writer

__all__ = ["Pump"]

_BOUND = 16  # updates on their way from the source to the writer


class Pump:
    """For one source, however often it is run."""

    def __init__(self, name: str, writer: Writer, report: Reporter, took: Callable[[SourceUpdate], None]) -> None:
        """`name` is the source's. `took` hears of every update: of a session's beginning and end once the log has
        it, of its data once the writer has them."""
        self._name, self._writer, self._report, self._took = name, writer, report, took
        self._open: dict[str, SessionWriter] = {}

    async def run(self, source: Source) -> None:
        """Until the source ends. Sessions that it leaves open stay so: `truncate` ends them.

        :raises TransportError: the source cannot reach its other side.
        """
        send, receive = trio.open_memory_channel[SourceUpdate](_BOUND)
        failure: RtaError | None = None
        try:
            async with trio.open_nursery() as nursery, receive:
                nursery.start_soon(_drive, source, send)
                async for update in receive:
                    if await self._handle(update):
                        self._took(update)
        except* TransportError as group:
            failure = first_error(group)
        if failure is not None:
            raise failure

    def truncate(self) -> list[str]:
        """End what is open; the identities. The writer's end, or `flush`, waits until it is in the log."""
        ended = []
        for identity, session in self._open.items():
            try:
                session.end(SessionState.TRUNCATED)
                ended.append(identity)
            except MalformedError as e:
                self._report.malformed(self._name, e.kind, str(e))
                session.leave()
        self._open.clear()
        return ended

    async def _handle(self, update: SourceUpdate) -> bool:
        """Whether it is fit to be taken."""
        match update:
            case Publish(identifier, text):
                await self._writer.flush()  # what others see keeps the source's order
                await self._writer.publish(identifier, text)
                return True
            case OpenSession(identity, json):
                before = self._open.pop(identity, None)
                if before is not None:  # the source began it anew: nothing of the old run comes behind
                    before.leave()
                    await before.flush()
                session = self._open[identity] = await self._writer.open_as(identity, json)
                await session.flush()
                return True
        open_session = self._open.get(update.identity)
        if open_session is None:
            detail = f"data of session {update.identity!r}, which is not open"
            self._report.malformed(self._name, "session", detail)
            return False
        match update:
            case UpdateSession(_, json):
                await open_session.update(json)
            case SessionBurst(_, burst):
                await open_session.write_burst(burst)
            case CloseSession(identity, json):
                del self._open[identity]
                await open_session.close(session=json)
        return True


async def _drive(source: Source, send: trio.MemorySendChannel[SourceUpdate]) -> None:
    async with send:
        await source.run(send)
