"""The hub follows the sessions that somebody needs: one reader per stream, one feed per session.

Owns the readers and feeds. Receives entries from the log; gives them to the feeds, which send. A reader ends when
its last feed does; the hub ends with the site.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from math import inf

import structlog
import trio

from rta.backoff import Backoff
from rta.errors import TransportError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.ports import START, Batch, BurstLog, Entry, Position, SessionRecord
from rta.session.feed import SessionFeed
from rta.session.frame_batch import BATCH_BYTES
from rta.session.options import FanOutSettings

__all__ = ["SessionHub"]

log = structlog.get_logger("rta.hub")

_READ_UP = 1.0  # seconds for an old run to be read to its end before the next one is taken up
_WORK = 2000  # sends in a row before others get a turn
_RUN = 256  # entries handed out at a stretch
_BACK_SCAN = 600.0  # seconds, of a shared buffer
_CLOCK_KEPT = 1.0  # seconds for which the buffer's clock is not asked again
_ADVANCE = 0.1  # seconds between telling sessions how far their stream is when it has nothing of theirs
_REMEMBERED = 4096  # positions of a stream that are known to have been handed out


class _Reader:
    """Follows one stream for its feeds. `position`: up to where entries have been handed out."""

    def __init__(self, stream: str, position: Position) -> None:
        self.stream = stream
        self.position = position
        self.remembered: deque[Position] = deque([position], maxlen=_REMEMBERED)
        self.feeds: dict[int, SessionFeed] = {}
        self.scope = trio.CancelScope()
        self.following = trio.CancelScope()
        self.moved_at = trio.current_time()
        self.advanced_at = -inf

    def restart(self) -> None:
        """Follow anew, from where the log's history allows."""
        self.following.cancel()


class SessionHub:
    """Where clients and other consumers find sessions."""

    def __init__(self, buffer: BurstLog, settings: FanOutSettings, health: Health, tally: HotCounters) -> None:
        self.buffer = buffer
        self.settings = settings
        self.tally = tally
        self._health = health
        self._readers: dict[str, _Reader] = {}
        self._feeds: dict[str, SessionFeed] = {}
        self._unused_since: dict[SessionFeed, float] = {}
        self._opening = trio.Lock()
        self._range_due: set[SessionFeed] = set()
        self._range_wake = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._back_scan: float | None = settings.back_scan
        if self._back_scan is None and buffer.shared:
            self._back_scan = _BACK_SCAN
        self._clock_ahead_ms = 0.0
        self._clock_asked = -inf

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._tell_ranges)
            nursery.start_soon(self._poll)
            task_status.started()

    # ---- for those who need sessions

    @property
    def feeds(self) -> list[SessionFeed]:
        """The sessions being followed."""
        return list(self._feeds.values())

    async def open(self, identity: str) -> SessionFeed | None:
        """The feed of a session; None if there is nothing to stream.

        :raises TransportError: the buffer cannot be read.
        """
        feed = self._feeds.get(identity)
        if feed is None:
            record = await self.buffer.find(identity)
            if record is None or record.json is None:
                return None
            async with self._opening:
                feed = self._feeds.get(identity)
                if feed is None:
                    feed = await self._follow(record)
        self._unused_since.pop(feed, None)
        return feed if feed.streamable else None

    async def back_scan_start(self) -> Position:
        """Where the back-fill of a subscription made now begins."""
        if self._back_scan is None:
            await trio.lowlevel.checkpoint()
            return START
        # Whole seconds: clients that come together share chunks.
        ms = await self._buffer_ms() - int(self._back_scan * 1000)
        return Position(max(ms // 1000 * 1000, 0), 0)

    async def _buffer_ms(self) -> int:
        """The buffer's clock, near enough."""
        if trio.current_time() - self._clock_asked > _CLOCK_KEPT:
            ms = await self.buffer.now()
            self._clock_asked = trio.current_time()
            self._clock_ahead_ms = ms - self._clock_asked * 1000
        return int(trio.current_time() * 1000 + self._clock_ahead_ms)

    async def caught_up(self) -> None:
        """Wait until the readers have handed out all that the log holds now."""
        for reader in list(self._readers.values()):
            await self._read_up(reader)

    async def _read_up(self, reader: _Reader) -> None:
        """Wait until a reader has handed out what its stream holds now."""
        head = await self.buffer.head(reader.stream)
        while reader.position < head and reader.feeds:
            await trio.sleep(0.005)

    # ---- following

    async def _follow(self, record: SessionRecord) -> SessionFeed:
        reader = await self._reader(record.stream)
        now = trio.current_time()
        feed = SessionFeed(record, reader.position, self.settings.ring, self.tally, now, range_due=self._note_range)
        self._register(reader, feed)
        self._feeds[record.identity] = feed
        # What the record learned between the look-up and the first entry handed to the feed.
        fresh = await self.buffer.find(record.identity)
        if fresh is not None:
            feed.refresh(fresh, trio.current_time())
        return feed

    @staticmethod
    def _register(reader: _Reader, feed: SessionFeed) -> None:
        """Counters get lost and ids are used again: the session that began last has the entries."""
        other = reader.feeds.get(feed.binding.session_id)
        if other is not None and other is not feed and other.binding.start > feed.binding.start:
            feed.leave(other.binding.start.after())
            return
        if other is not None and other is not feed:
            other.leave(feed.binding.start.after())
        reader.feeds[feed.binding.session_id] = feed

    async def _reader(self, stream: str) -> _Reader:
        if stream not in self._readers:
            assert self._nursery is not None, "the hub is not running"
            head = await self.buffer.head(stream)
            if stream not in self._readers:  # nobody else has been here meanwhile
                reader = self._readers[stream] = _Reader(stream, head)
                self._nursery.start_soon(self._read, reader)
        return self._readers[stream]

    async def _read(self, reader: _Reader) -> None:
        backoff = Backoff()
        who = f"reader of stream {reader.stream!r}"
        with reader.scope:
            while True:
                with trio.CancelScope() as reader.following:
                    try:
                        anew = await self._check_history(reader)
                        async with self.buffer.follow(reader.stream, reader.position) as tail:
                            self._health.ok(who)
                            while True:
                                batch = await tail.next()
                                backoff.reset()
                                # What is missing where the log begins anew is no fault of ours, and nobody's gap.
                                await self._hand_out(reader, batch, batch.lost and not anew)
                                anew = False
                                if self.settings.merge_delay:
                                    await trio.sleep(self.settings.merge_delay)
                    except TransportError as e:
                        self._health.fail(who, str(e))
                        log.warning("reading failed, trying again", stream=reader.stream, error=str(e))
                        await backoff.pause()
        self._health.ok(who)

    async def _check_history(self, reader: _Reader) -> bool:
        """A log that has forgotten what it gave us may give less-than-known positions anew: go back there.

        What is still there from before is not read again: entries that we have had are recognised, and with a clock
        that did not go back nothing new can be behind the head.
        """
        known = reader.position
        head = await self.buffer.head(reader.stream)
        if head >= known:
            return False
        last = max((p for p in reader.remembered if START < p <= head), default=None)
        if last is not None and (await self.buffer.read(reader.stream, last.before(), last, 1)).entries:
            goes_on = last
        elif await self.buffer.now() < known.ms:
            goes_on = START
        else:
            goes_on = head
        log.warning("the stream begins anew", stream=reader.stream, known=str(known), head=str(head), at=str(goes_on))
        reader.position = goes_on
        reader.remembered = deque((p for p in reader.remembered if p <= goes_on), maxlen=_REMEMBERED)
        for feed in reader.feeds.values():
            feed.rewind(goes_on)
        return True

    async def _hand_out(self, reader: _Reader, batch: Batch, lost: bool) -> None:
        now = reader.moved_at = trio.current_time()
        if lost:
            log.error("the buffer was trimmed faster than it was read", stream=reader.stream)
            for everybody in reader.feeds.values():
                everybody.lose()
        if self.settings.merge_delay:
            self._hand_out_merged(reader, batch.entries, now)
        else:
            work = 0
            for part in _parts(batch.entries):
                # No checkpoint in here: a feed made now starts at what has been handed out.
                for session_id, entries in _by_session(part).items():
                    feed = reader.feeds.get(session_id)
                    if feed is not None:
                        feed.take_run(entries, now)
                        work += len(feed.clients) + 10 * len(entries)
                reader.position = part[-1].position
                reader.remembered.extend([entry.position for entry in part])
                if work >= _WORK:
                    work = 0
                    await trio.lowlevel.checkpoint()
        reader.position = max(reader.position, batch.position)
        if now - reader.advanced_at >= _ADVANCE:
            self._advance(reader)

    @staticmethod
    def _advance(reader: _Reader) -> None:
        """Tell the sessions how far their stream is. It does not matter when: between what they know and this there
        is nothing of theirs."""
        reader.advanced_at = trio.current_time()
        for feed in reader.feeds.values():
            feed.advance(reader.position)

    @staticmethod
    def _hand_out_merged(reader: _Reader, entries: list[Entry], now: float) -> None:
        for session_id, several in _by_session(entries).items():
            if session_id in reader.feeds:
                reader.feeds[session_id].take_merged(several, now)
        if entries:
            reader.position = entries[-1].position
            reader.remembered.extend([entry.position for entry in entries])

    # ---- time

    def _note_range(self, feed: SessionFeed) -> None:
        self._range_due.add(feed)
        self._range_wake.set()

    async def _tell_ranges(self) -> None:
        while True:
            await self._range_wake.wait()
            self._range_wake = trio.Event()
            due, self._range_due = self._range_due, set()
            now = trio.current_time()
            again = [t for feed in due if (t := self._tell(feed, now)) is not None]
            if again:
                self._range_wake.set()
                await trio.sleep_until(min(again))

    def _tell(self, feed: SessionFeed, now: float) -> float | None:
        again = feed.tell_ranges(now)
        if again is not None:
            self._range_due.add(feed)
        return again

    async def _poll(self) -> None:
        """Each session and stream on its own: what cannot be read of one keeps nobody from the others."""
        while True:
            jobs: list[Callable[[], Awaitable[object]]] = [
                self.buffer.now,
                *[partial(self._look_after, feed) for feed in self.feeds],
            ]
            jobs += [partial(self._check_reader, reader) for reader in self._readers.values()]
            failures = 0
            for job in jobs:
                # Spread over the interval, so that live data does not wait behind all of them.
                await trio.sleep(self.settings.poll / len(jobs))
                try:
                    with trio.fail_after(self._patience):
                        await job()
                except (TransportError, trio.TooSlowError) as e:
                    why = f"cannot be read: {e}" if isinstance(e, TransportError) else "does not answer"
                    self._health.fail("buffer", why)
                    failures += 1
            if not failures:
                self._health.ok("buffer")

    @property
    def _patience(self) -> float:
        """Seconds for the buffer to answer before it counts as failed."""
        return max(self.settings.behind_limit, _READ_UP * 5)

    async def _look_after(self, feed: SessionFeed) -> None:
        now = trio.current_time()
        if self._feeds.get(feed.identity) is not feed:
            return
        if not feed.wanted:
            if now - self._unused_since.setdefault(feed, now) >= self.settings.keep:
                self._drop(feed)
            return
        self._unused_since.pop(feed, None)
        record = await self.buffer.find(feed.identity)
        if record is not None and not feed.reconcile(record, trio.current_time()):
            log.info("session runs again", identity=feed.identity, stream=record.stream)
            with trio.move_on_after(_READ_UP):  # the old run's last entries are still to be had
                if (old := self._readers.get(feed.binding.stream)) is not None:
                    await self._read_up(old)
            reader = await self._reader(record.stream)
            self._forget(feed)
            feed.move(record, reader.position, trio.current_time())
            self._register(reader, feed)

    async def _check_reader(self, reader: _Reader) -> None:
        who = f"delivery of stream {reader.stream!r}"
        if not reader.feeds:
            reader.scope.cancel()
            if self._readers.get(reader.stream) is reader:
                del self._readers[reader.stream]
            self._health.ok(who)
            return
        self._advance(reader)
        known = reader.position
        head = await self.buffer.head(reader.stream)
        behind = trio.current_time() - reader.moved_at
        if head < known:
            reader.restart()
        if reader.position >= head:
            reader.moved_at = trio.current_time()
            self._health.ok(who)
        elif behind > self.settings.behind_limit:
            self._health.fail(who, f"entries are pending and none has been read for {behind:.0f} s")

    def _drop(self, feed: SessionFeed) -> None:
        self._forget(feed)
        self._unused_since.pop(feed, None)
        self._range_due.discard(feed)
        del self._feeds[feed.identity]

    def _forget(self, feed: SessionFeed) -> None:
        reader = self._readers.get(feed.binding.stream)
        if reader is not None and reader.feeds.get(feed.binding.session_id) is feed:
            del reader.feeds[feed.binding.session_id]


def _parts(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Pieces that are handed out at a stretch: of about as many bytes as leave in one `send`."""
    part: list[Entry] = []
    size = 0
    for entry in entries:
        part.append(entry)
        size += len(entry.burst.packed)
        if size >= BATCH_BYTES or len(part) >= _RUN:
            yield part
            part, size = [], 0
    if part:
        yield part


def _by_session(entries: list[Entry]) -> dict[int, list[Entry]]:
    by_session: dict[int, list[Entry]] = {}
    for entry in entries:
        by_session.setdefault(entry.session_id, []).append(entry)
    return by_session
