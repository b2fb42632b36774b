"""The writer for scripts, notebooks and threads: the Trio one, run by a thread of its own.

Arrays are encoded in the calling thread. What ends a call early there, as Ctrl-C does, ends it here too.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import trio

from rta.errors import RtaError
from rta.wire import SessionModel, SessionState
from rta.writer.blocking_session import BlockingSession
from rta.writer.errors import WriterClosed
from rta.writer.opening import OnAbsent, open_writer
from rta.writer.settings import WriterSettings
from rta.writer.writer import Writer

__all__ = ["BlockingWriter", "connect"]

T = TypeVar("T")


def connect(
    url: str | None = None,
    stream: str = "rta",
    *,
    transport: str = "redis",
    options: Mapping[str, Any] | None = None,
    on_absent: OnAbsent = "raise",
    settings: WriterSettings | None = None,
) -> BlockingWriter:
    """`open_writer` for code that blocks, with the same arguments, errors and end. Any thread may use the writer.

    To be used in a `with` statement, or closed by `close`; what is not, is closed as truncated when Python exits.
    """

    def opening() -> Any:
        return open_writer(url, stream, transport=transport, options=options, on_absent=on_absent, settings=settings)

    return BlockingWriter(opening)


class BlockingWriter:
    """Made by `connect`."""

    def __init__(self, opening: Callable[[], Any]) -> None:
        self._opening = opening
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._truncate = False
        self._writer: Writer
        self._token: trio.lowlevel.TrioToken
        self._stop: trio.Event
        self._thread = threading.Thread(target=self._run, name="rta.writer", daemon=True)
        self._thread.start()
        try:
            self._ready.wait()
        except BaseException:  # Ctrl-C: nobody will have this writer
            threading.Thread(target=self._give_up, daemon=True).start()
            raise
        if not self._thread.is_alive() or self._error is not None:
            self._thread.join()
            raise self._error or WriterClosed("the writer has been closed")
        atexit.register(self._at_exit)

    # ---- the thread

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except BaseException as e:  # noqa: BLE001 - for whoever calls next
            self._error = e
        finally:
            self._ready.set()

    async def _main(self) -> None:
        async with self._opening() as self._writer:
            self._token, self._stop = trio.lowlevel.current_trio_token(), trio.Event()
            self._ready.set()
            await self._stop.wait()
            if self._truncate:
                self._writer.end_all(SessionState.TRUNCATED)

    def _give_up(self) -> None:
        self._ready.wait()
        if self._thread.is_alive():
            self._finish(truncate=True)

    # ---- sessions

    def open_session(
        self,
        session: SessionModel | str | None = None,
        *,
        identity: str | None = None,
        identifier: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> BlockingSession:
        """As `Writer.open_session`."""
        opened = self.call(
            lambda: self._writer.open_session(session, identity=identity, identifier=identifier, details=details)
        )
        return BlockingSession(self, opened)

    def publish(self, identifier: str, text: str) -> None:
        """As `Writer.publish`."""
        self.call(lambda: self._writer.publish(identifier, text))

    def flush(self) -> None:
        """Wait until all that was taken so far is in the log."""
        self.call(lambda: self._writer.flush())

    @property
    def waiting(self) -> int:
        """Bytes, before compression, that are not known to be in the log."""
        return self.evaluate(lambda: self._writer.waiting)

    @property
    def written(self) -> int:
        """Bytes, before compression, that are in the log."""
        return self.evaluate(lambda: self._writer.written)

    @property
    def dropped(self) -> int:
        """Samples dropped at the bound."""
        return self.evaluate(lambda: self._writer.dropped)

    @property
    def failing(self) -> str | None:
        """Why the log cannot be reached for now, as far as is known."""
        return self.evaluate(lambda: self._writer.failing)

    # ---- the end

    def close(self) -> None:
        """Close what is open, and end once all is written. Closing again does nothing.

        :raises WriteError: not everything could be written within `settings.patience`.
        """
        self._finish(truncate=False)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _finish(self, *, truncate: bool) -> None:
        atexit.unregister(self._at_exit)
        self._truncate = truncate
        try:
            self._token.run_sync_soon(self._stop.set)
        except trio.RunFinishedError:
            pass
        self._thread.join()

    def _at_exit(self) -> None:
        self._finish(truncate=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        if e is None:
            self.close()
            return
        self._finish(truncate=True)
        if self._error is not None:
            e.add_note(f"{type(self._error).__name__}: {self._error}")

    # ---- calls into the thread

    def call(self, do: Callable[[], Awaitable[T]]) -> T:
        """Run it in the writer's thread.

        :raises WriterClosed: the writer has ended; the cause, if it was an error, is with it.
        """
        scope = trio.CancelScope()
        done: list[T] = []

        async def scoped() -> None:
            with scope:
                done.append(await do())

        try:
            trio.from_thread.run(scoped, trio_token=self._token)
        except (trio.RunFinishedError, trio.Cancelled):
            raise self._over() from self._error
        except BaseException:
            try:
                self._token.run_sync_soon(scope.cancel)
            except trio.RunFinishedError:
                pass
            raise
        return done[0]

    def evaluate(self, expression: Callable[[], T]) -> T:
        """Evaluate an expression in the thread of the writer; in this one when the writer has ended."""
        try:
            return trio.from_thread.run_sync(expression, trio_token=self._token)
        except trio.RunFinishedError:
            self._thread.join()
            return expression()

    def _over(self) -> RtaError:
        self._thread.join()
        return WriterClosed("the writer has ended" + (f": {self._error}" if self._error is not None else ""))
