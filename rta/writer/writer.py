"""The writer: sessions on one stream of a log, each with a task that sends what waits of it.

A task owns the log's record of its session. It receives what `SessionWriter` puts into the outbox, appends one burst
at a time, and tries again with the very same burst while the log cannot be reached. It ends with the session.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import structlog
import trio

from rta.backoff import Backoff
from rta.errors import MalformedError, TransportError
from rta.ports import BurstLog
from rta.wire import Burst, SessionModel, SessionState, glance, json_item, make_burst
from rta.writer.backlog import Admission, Backlog
from rta.writer.errors import WriteError, WriterClosed
from rta.writer.outbox import BurstKind
from rta.writer.session import SessionWriter
from rta.writer.session_documents import opening_json, opening_model
from rta.writer.settings import WriterSettings

__all__ = ["WriterObserver", "Writer"]

log = structlog.get_logger("rta.writer")

T = TypeVar("T")


class WriterObserver:
    """What becomes of the writing; for those who show it."""

    def failing(self, reason: str | None) -> None:
        """Why the log cannot be reached; None: it can be."""

    def wrote(self, identity: str, burst: Burst) -> None:
        """A burst of this session is in the log."""


class Writer:
    """Made by `open_writer` or `write_to`."""

    def __init__(
        self,
        burst_log: BurstLog,
        stream: str,
        nursery: trio.Nursery,
        settings: WriterSettings,
        watcher: WriterObserver,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """The tasks run in the nursery; `clock`: ns since the Unix epoch."""
        self.stream = stream
        self.written = 0
        """Bytes, before compression, that are in the log."""
        self._log, self._nursery, self._settings, self._watcher = burst_log, nursery, settings, watcher
        self._clock = clock
        self._backlog = Backlog(settings)
        self._room = trio.lowlevel.ParkingLot()
        self._sessions: set[SessionWriter] = set()
        self._reasons: dict[object, str] = {}
        self._all_over = trio.lowlevel.ParkingLot()
        self._finished = False

    # ---- how it goes

    @property
    def waiting(self) -> int:
        """Bytes, before compression, that are not known to be in the log."""
        return self._backlog.waiting

    @property
    def dropped(self) -> int:
        """Samples dropped at the bound."""
        return self._backlog.dropped

    @property
    def failing(self) -> str | None:
        """Why the log cannot be reached for now, as far as is known."""
        return next(iter(self._reasons.values()), None)

    # ---- sessions

    async def open_session(
        self,
        session: SessionModel | str | None = None,
        *,
        identity: str | None = None,
        identifier: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> SessionWriter:
        """Open a session, by its JSON (a text goes as it is) or by what is to be in it.

        Without anything, the identity is a new UUID. Returns before the log knows of the session.

        :raises MalformedError: the text is no session JSON.
        :raises ValueError: this writer has an open session of this identity.
        """
        if session is None:
            session = opening_model(identity, identifier, details, self._clock())
        elif not (identity is None and identifier is None and details is None):
            raise ValueError("either the session, or its identity, identifier and details")
        identity, text = opening_json(session)
        if any(s.identity == identity and not s.outbox.ended for s in self._sessions):
            raise ValueError(f"session {identity!r} is open; close it first")
        return await self.open_as(identity, text)

    async def open_as(self, identity: str, text: str) -> SessionWriter:
        """Open a session with JSON that is not looked into; an identity that is open is taken over."""
        await trio.lowlevel.checkpoint()
        burst = make_burst([json_item(text)])
        while not self._finished and self._backlog.admit(burst.raw_size) is Admission.WAIT:
            await self._room.park()
        if self._finished:
            raise WriterClosed("the writer has been closed")
        session = SessionWriter(identity, self._backlog.new_outbox(), self._backlog, self._room, self._clock)
        session.outbox.add_burst(burst, BurstKind.KEEP)
        self._sessions.add(session)
        self._nursery.start_soon(self._carry, session)
        return session

    async def publish(self, identifier: str, text: str) -> None:
        """Have the log keep a configuration document, for sessions that are bound to it; returns once it does.

        It never changes: other content, another identifier (`Configuration.identifier()`).
        """
        await self._insist(self, lambda: self._log.publish(identifier, text))

    async def reach(self) -> None:
        """Ask the log for a sign of life.

        :raises TransportError: it cannot be reached.
        """
        await self._log.now()

    async def flush(self) -> None:
        """Wait until all that was taken so far is in the log."""
        for session in list(self._sessions):
            await session.flush()

    # ---- the task of each session

    async def _carry(self, session: SessionWriter) -> None:
        outbox = session.outbox
        try:
            record = await self._insist(session, lambda: self._log.open_session(session.identity, self.stream))
            while not (outbox.ended and outbox.due is None):
                burst = outbox.head(trio.current_time())
                if burst is None:
                    await _changed(session)
                    continue
                await self._insist(session, partial(self._log.append, record, burst))
                outbox.done()
                self.written += burst.raw_size
                self._watcher.wrote(session.identity, burst)
                session.progress.unpark_all()
                self._room.unpark_all()
        finally:
            self._end_of(session)

    async def _insist(self, who: object, do: Callable[[], Awaitable[T]]) -> T:
        """Until the log can be reached."""
        backoff = Backoff()
        while True:
            try:
                result = await do()
            except TransportError as e:
                self._note(who, str(e))
                await backoff.pause()
            else:
                self._note(who, None)
                return result

    def _note(self, who: object, reason: str | None) -> None:
        before = self.failing
        if reason is None:
            self._reasons.pop(who, None)
        else:
            self._reasons[who] = reason
        if self.failing != before:
            self._watcher.failing(self.failing)

    def _end_of(self, session: SessionWriter) -> None:
        if session.outbox.due is None:  # otherwise it counts as unwritten
            self._backlog.remove(session.outbox)
        self._sessions.discard(session)
        session.over.set()
        session.progress.unpark_all()
        self._room.unpark_all()
        self._all_over.unpark_all()

    # ---- the end

    async def finish(self, state: SessionState) -> None:
        """Close what is open as `state`, take nothing any more, and wait until all is in the log."""
        self._finished = True
        self._room.unpark_all()
        self.end_all(state)
        while self._sessions:
            await self._all_over.park()

    def end_all(self, state: SessionState) -> None:
        """Close what is open, and is not closed by its JSON already, as `state`; without waiting."""
        for session in self._sessions:
            if glance(session.outbox.json).state.is_closed:
                session.leave()
                continue
            try:
                session.end(state)
            except MalformedError as e:
                log.warning("session ends without last words", identity=session.identity, error=str(e))
                session.leave()

    def unwritten(self) -> WriteError | None:
        """What did not get to the log, once nothing will any more."""
        waiting, samples = self.waiting, self._backlog.samples
        if not waiting:
            return None
        why = self.failing or "it is too slow"
        seconds = f"{self._settings.patience:g} s"
        message = f"{waiting} bytes with {samples} samples could not be written to the log within {seconds}: {why}"
        return WriteError(message, waiting, samples)


async def _changed(session: SessionWriter) -> None:
    """Until there is something to send, or to look for."""
    due = session.outbox.due
    with trio.CancelScope(deadline=float("inf") if due is None else due):
        await session.changed.wait()
