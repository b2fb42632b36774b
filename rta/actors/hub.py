"""The hub follows the sessions that somebody needs: one reader per stream, one feed per session.

Owns the feeds, the readers and the range teller. The edge and the sampler ask it for the feed of a session. It looks up
each session and stream about once a second, tells feeds what their record says, and drops a feed that nobody has wanted
for a while. Ends with the site.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import structlog
import trio

from rta.actors.range_teller import RangeTeller
from rta.actors.stream_reader import StreamReader
from rta.errors import TransportError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.ports import ArchivedSession, BurstLog, Position, RecordedEntries, SessionRecord
from rta.rsmp.payload import iso
from rta.session.back_scan import back_scan_start, must_search
from rta.session.client import Client, Ending
from rta.session.feed import SessionFeed
from rta.session.options import FanOutSettings
from rta.wire.values import Ns

__all__ = ["SessionHub"]

log = structlog.get_logger("rta.hub")

_TOGETHER = 10  # sessions that are looked up in one go
_LARGE_JSON = 1 << 16  # characters
_READ_UP = 1.0  # seconds for an old run to be read to its end before the next one is followed


class SessionHub:
    """Where clients and other consumers find sessions."""

    def __init__(
        self,
        buffer: BurstLog,
        settings: FanOutSettings,
        health: Health,
        counters: HotCounters,
        archive: RecordedEntries | None = None,
    ) -> None:
        self.buffer = buffer
        self.archive = archive
        self.settings = settings
        self._counters = counters
        self._health = health
        self._readers: dict[str, StreamReader] = {}
        self._feeds: dict[str, SessionFeed] = {}
        self._unused_since: dict[SessionFeed, float] = {}
        self._recorded: set[SessionFeed] = set()
        """Those of sessions that only the archive knows, each for one client."""
        self._odd: set[SessionFeed] = set()
        """Those of which the log has a time range that cannot be right."""
        self._opening = trio.Lock()
        self._ranges = RangeTeller()
        self._nursery: trio.Nursery | None = None
        self._back_scan = settings.back_scan_of(buffer.shared)
        self._searches: dict[SessionFeed, trio.Event] = {}
        """Feeds whose last data are being searched for."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._ranges.run)
            nursery.start_soon(self._poll)
            task_status.started()

    # ---- for those who need sessions

    @property
    def feeds(self) -> list[SessionFeed]:
        """The sessions being followed, and those that are read from the archive alone."""
        return [*self._feeds.values(), *self._recorded]

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

    async def renew(self, feed: SessionFeed) -> None:
        """Have a feed in the present run of its session, with all that its stream holds now handed out.

        :raises TransportError: the buffer cannot be read.
        """
        record = await self.buffer.find(feed.identity)
        if record is not None and record.json is not None and not feed.state.run.is_run(record):
            await self._move(feed, record)
        if (reader := self._readers.get(feed.state.run.stream)) is not None:
            await reader.caught_up()

    def open_recorded(self, session: ArchivedSession) -> SessionFeed:
        """A feed that ends where the archive does. It goes once its client has gone."""
        run, now = session.runs[-1], trio.current_time()
        record = SessionRecord(
            session.identity, run.stream, run.session_id, run.start.after(), 0, session.json, session.span
        )
        ring, clocks = self.settings.ring, self.settings.clocks
        feed = SessionFeed(record, run.upto, ring, self._counters, now, self._ranges.add, clocks)
        feed.summary.end(now)
        self._recorded.add(feed)
        return feed

    async def back_scan_start(self, feed: SessionFeed, client: Client) -> Position:
        """Where the back-fill of a subscription made now begins.

        No checkpoint between what is told and what it is told of.

        :raises TransportError: the buffer cannot be read.
        """
        await trio.lowlevel.checkpoint()
        while must_search(feed.state, self._back_scan):
            if (under_way := self._searches.get(feed)) is not None:
                await under_way.wait()
            else:
                await self._search(feed)
        return back_scan_start(feed.state, client.run, self._back_scan)

    async def _search(self, feed: SessionFeed) -> None:
        state, run = feed.state, feed.state.run
        done = self._searches[feed] = trio.Event()
        try:
            state.find_newest(run, await self.buffer.last_data(run.stream, run.session_id, *state.searched))
        finally:
            del self._searches[feed]
            done.set()

    async def caught_up(self) -> None:
        """Wait until the readers have handed out all that the log holds now.

        :raises TransportError: the buffer cannot be read.
        """
        for reader in list(self._readers.values()):
            await reader.caught_up()

    # ---- following

    async def _follow(self, record: SessionRecord) -> SessionFeed:
        reader = await self._reader(record.stream)
        now = trio.current_time()
        ring, clocks = self.settings.ring, self.settings.clocks
        feed = SessionFeed(record, reader.position, ring, self._counters, now, self._ranges.add, clocks)
        reader.register(feed)
        self._feeds[record.identity] = feed
        # What the record learned between the look-up and the first entry handed to the feed.
        fresh = await self.buffer.find(record.identity)
        if fresh is not None:
            feed.state.refresh(fresh, trio.current_time())
        return feed

    async def _reader(self, stream: str) -> StreamReader:
        if stream not in self._readers:
            assert self._nursery is not None, "the hub is not running"
            head = await self.buffer.head(stream)
            if stream not in self._readers:  # nobody else has been here meanwhile
                reader = StreamReader(stream, head, self.buffer, self.settings.merge_delay, self._health)
                self._readers[stream] = reader
                self._nursery.start_soon(reader.run)
        return self._readers[stream]

    # ---- what changes without an entry

    async def _poll(self) -> None:
        """A few sessions, or a stream, at a time: what cannot be read of them keeps nobody from the others."""
        while True:
            jobs: list[Callable[[], Awaitable[object]]] = [
                self.buffer.now,
                *[partial(self._check_feeds, feeds) for feeds in _looked_up_together(self.feeds)],
                *[partial(self._check_reader, reader) for reader in self._readers.values()],
            ]
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

    async def _check_feeds(self, feeds: list[SessionFeed]) -> None:
        for feed in self._recorded.intersection(feeds):
            await self._check_recorded(feed)
        wanted = {feed.identity: feed for feed in feeds if self._feeds.get(feed.identity) is feed and self._keep(feed)}
        for identity, record in (await self.buffer.find_all(wanted)).items():
            feed = wanted[identity]
            if self._feeds.get(identity) is feed and not feed.state.reconcile(record, trio.current_time()):
                await self._move(feed, record)

    async def _check_recorded(self, feed: SessionFeed) -> None:
        if not feed.wanted:
            self._recorded.discard(feed)
            self._ranges.discard(feed)
            return
        record = await self.buffer.find(feed.identity)
        if record is not None and record.json is not None:  # it runs again
            for client in feed.state.clients:
                client.leave(Ending.RUN_OVER)

    def _keep(self, feed: SessionFeed) -> bool:
        """Whether somebody wants the feed; one that nobody has wanted for long enough goes."""
        now = trio.current_time()
        if not feed.wanted:
            if now - self._unused_since.setdefault(feed, now) >= self.settings.keep:
                self._drop(feed)
            return False
        self._unused_since.pop(feed, None)
        odd = feed.summary.range.odd
        if odd is not None and feed not in self._odd:
            self._odd.add(feed)
            start, end = iso(Ns(odd.start)), iso(Ns(odd.end))
            log.warning("a time range cannot be right", identity=feed.identity, start=start, end=end)
        return True

    async def _move(self, feed: SessionFeed, record: SessionRecord) -> None:
        """The session runs again, as its record says."""
        log.info("session runs again", identity=feed.identity, stream=record.stream)
        before = feed.state.run
        with trio.move_on_after(_READ_UP):  # the old run's last entries are still to be had
            if (old := self._readers.get(feed.state.run.stream)) is not None:
                await old.caught_up()
        reader = await self._reader(record.stream)
        if feed.state.run is not before or self._feeds.get(feed.identity) is not feed:
            return  # somebody else has moved or dropped it meanwhile
        self._forget(feed)
        feed.state.move(record, reader.position, trio.current_time())
        reader.register(feed)

    async def _check_reader(self, reader: StreamReader) -> None:
        if reader.feeds:
            await reader.check(self.settings.behind_limit)
            return
        reader.retire()
        if self._readers.get(reader.stream) is reader:
            del self._readers[reader.stream]

    def _drop(self, feed: SessionFeed) -> None:
        self._forget(feed)
        self._unused_since.pop(feed, None)
        self._ranges.discard(feed)
        self._odd.discard(feed)
        del self._feeds[feed.identity]

    def _forget(self, feed: SessionFeed) -> None:
        reader = self._readers.get(feed.state.run.stream)
        if reader is not None:
            reader.forget(feed)


def _looked_up_together(feeds: list[SessionFeed]) -> Iterator[list[SessionFeed]]:
    """Parts of the feeds. A session whose JSON is large is looked up alone."""
    part: list[SessionFeed] = []
    for feed in feeds:
        if len(feed.summary.json or "") > _LARGE_JSON:
            yield [feed]
            continue
        part.append(feed)
        if len(part) == _TOGETHER:
            yield part
            part = []
    if part:
        yield part
