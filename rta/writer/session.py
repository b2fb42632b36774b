"""A session being written. What is written is taken at once, in order, and sent by the writer's task for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy.typing as npt
import trio

from rta.errors import MalformedError
from rta.wakeup import Wakeup
from rta.wire import Burst, Event, SampleType, SessionModel, SessionState, TimeRange, json_item, make_burst
from rta.writer.backlog import Admission, Backlog
from rta.writer.errors import WriterClosed
from rta.writer.items import EncodedItem, event_item, periodic_items, row_items, samples_in, timestamped_items
from rta.writer.outbox import BurstKind, SessionOutbox
from rta.writer.session_documents import closed_json, session_text

__all__ = ["SessionWriter"]

_ALL_F64: Mapping[int, SampleType] = {}


class SessionWriter:
    """Made by `Writer.open_session`. As a context manager it is closed at its end, as truncated after an exception.

    What writes returns once it is taken, not once it is in the log, and raises `WriterClosed` after the end and
    `WriterFull` at the bound where that is the policy: then nothing of the call was taken. A call that is cancelled
    while it waits for room has taken what had room.
    """

    def __init__(
        self,
        identity: str,
        outbox: SessionOutbox,
        backlog: Backlog,
        room: trio.lowlevel.ParkingLot,
        clock: Callable[[], int],
    ) -> None:
        self.identity = identity
        self.outbox = outbox
        """The writer's task for this session sends what is in it."""
        self.changed = Wakeup()
        """For that task: look at the outbox again."""
        self.progress = trio.lowlevel.ParkingLot()
        """By that task: something has been written."""
        self.over = trio.Event()
        """By that task: nothing more will be."""
        self._backlog, self._room, self._clock = backlog, room, clock

    @property
    def waiting(self) -> int:
        """Bytes, before compression, that are not known to be in the log."""
        return self.outbox.size

    @property
    def span(self) -> TimeRange | None:
        """What the session covers."""
        return self.outbox.span

    # ---- samples

    async def write(
        self, channel: int, timestamps: npt.ArrayLike, values: npt.ArrayLike, kind: SampleType = SampleType.F64
    ) -> None:
        """Samples of one channel, with a timestamp each: both of shape (n,), ns since the Unix epoch.

        :raises ValueError: the shapes differ, times are not integers, or a value does not fit `kind`.
        """
        await self.put(timestamped_items(channel, timestamps, values, kind))

    async def write_periodic(
        self, channel: int, start: int, interval: int, values: npt.ArrayLike, kind: SampleType = SampleType.F64
    ) -> None:
        """Samples of one channel, shape (n,), the first at `start`, then every `interval`, both in ns.

        :raises ValueError: another shape, no positive interval, or a value does not fit `kind`.
        """
        await self.put(periodic_items(channel, start, interval, values, kind))

    async def write_rows(
        self,
        channels: Sequence[int],
        timestamps: npt.ArrayLike,
        values: npt.ArrayLike,
        types: Mapping[int, SampleType] = _ALL_F64,
    ) -> None:
        """A sample of every channel at each timestamp: shapes (n,) and (n, channels), or () and (channels,).

        :raises ValueError: other shapes, or a value does not fit its channel's type: f64 where `types` has none.
        """
        await self.put(row_items(channels, timestamps, values, types))

    async def write_event(self, event: Event) -> None:
        """:raises ValueError: it is larger than a burst may be."""
        await self.put([event_item(event)])

    async def put(self, items: Sequence[EncodedItem]) -> None:
        """Items that are encoded already, to be collected into bursts."""
        await self._ready()
        whole = self._backlog.settings.on_full == "raise"
        if whole and items:
            self._backlog.admit(sum(item.size for item in items))
        for item in items:
            if whole or await self._admitted(item.size, item.samples):
                self.outbox.add(item, trio.current_time())
                self._tell()

    async def write_burst(self, burst: Burst) -> None:
        """A burst that is made already, as it is and without delay."""
        await self._ready()
        kind = BurstKind.KEEP if burst.session_json else BurstKind.DATA
        samples = 0
        if kind is BurstKind.DATA and self._backlog.settings.on_full == "drop":
            samples = sum(map(samples_in, burst.message().data)) or 1
        if await self._admitted(burst.raw_size, samples):
            self.outbox.add_burst(burst, kind)
            self._tell()

    # ---- session JSON

    async def update(self, session: SessionModel | str) -> None:
        """New session JSON; a text goes as it is. Where data are dropped at the bound, only the latest is kept."""
        burst = make_burst([json_item(session_text(session))])
        await self._ready()
        if self._backlog.settings.on_full == "drop":
            self.outbox.drop_updates()
        if await self._admitted(burst.raw_size, 0):
            self.outbox.add_burst(burst, BurstKind.UPDATE)
            self._tell()

    async def close(self, state: SessionState = SessionState.CLOSED, session: SessionModel | str | None = None) -> None:
        """Write the last session JSON, and wait until all of the session is in the log, however long that takes.

        Cancelling it ends the wait, not the writing. Without a `session` the last is the latest in `state`, with
        the time range. There is always room for it. Closing again only waits.

        :raises MalformedError: the latest session JSON is none; `leave` ends the session without.
        :raises WriterClosed: the writer ended before all was written.
        """
        self.end(state, session)
        await self.flush()

    def end(self, state: SessionState, session: SessionModel | str | None = None) -> None:
        """`close` without waiting."""
        if not self.outbox.ended:
            latest = self.outbox.json
            text = closed_json(latest, state, self.span, self._clock()) if session is None else session_text(session)
            self.outbox.add_burst(make_burst([json_item(text)]), BurstKind.KEEP)
            self.leave()

    def leave(self) -> None:
        """End it without last words, as when another run has taken over its identity; what waits is written."""
        self.outbox.end()
        self._tell()
        self._room.unpark_all()

    async def flush(self) -> None:
        """Send what has been collected, and wait until all that was taken so far is in the log.

        :raises WriterClosed: the writer ended before.
        """
        await trio.lowlevel.checkpoint()
        self.outbox.seal()
        self._tell()
        newest = self.outbox.newest
        while self.outbox.holds(newest):
            if self.over.is_set():
                raise WriterClosed(f"session {self.identity!r}: the writer ended before all was written")
            await self.progress.park()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
        else:  # the writer's end waits for it
            self.truncate()

    def truncate(self) -> None:
        """`end` as truncated, whatever its session JSON is like."""
        try:
            self.end(SessionState.TRUNCATED)
        except MalformedError:  # the error that got us here is worth more
            self.leave()

    # ---- the bound

    async def _ready(self) -> None:
        # Before anything is taken, so that a call that is cancelled here has done nothing.
        await trio.lowlevel.checkpoint()
        self._check_open()

    def _check_open(self) -> None:
        if self.outbox.ended or self.over.is_set():
            raise WriterClosed(f"session {self.identity!r} has been closed")

    async def _admitted(self, size: int, samples: int) -> bool:
        """False: it has been dropped."""
        while (admission := self._backlog.admit(size, samples)) is Admission.WAIT:
            await self._room.park()
            self._check_open()
        return admission is Admission.TAKEN

    def _tell(self) -> None:
        self.changed.set()
