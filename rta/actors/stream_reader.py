"""The reader of one stream: hands its entries to the sessions that are followed in it.

Owns its place in the stream. Receives entries from the log; hands them to the feeds of their sessions, which send.
After an outage it goes on from its place, or from where the log's history still agrees with what it has handed out.
Ends when the hub stops it, after the last feed has left.

It calls the feeds directly, where actors otherwise send messages: see `hand_out`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import structlog
import trio

from rta.actors.stream_place import StreamPlace
from rta.backoff import Backoff
from rta.errors import TransportError
from rta.health import Health
from rta.ports import Batch, BurstLog, Entry, Position
from rta.session.feed import SessionFeed
from rta.session.frame_batch import BATCH_BYTES
from rta.wakeup import Wakeup

__all__ = ["StreamReader"]

log = structlog.get_logger("rta.hub")

_TURN = 2000  # sends in a row before others get a turn
_AT_ONCE = 256  # entries handed out without a checkpoint
_ADVANCE = 0.1  # seconds between telling sessions how far their stream is when it has nothing of theirs


class StreamReader:
    """Follows from `position` on."""

    def __init__(self, stream: str, position: Position, buffer: BurstLog, merge_delay: float, health: Health) -> None:
        """`merge_delay`: s for which entries are collected and merged; 0: each goes out at once."""
        self.stream = stream
        self.feeds: dict[int, SessionFeed] = {}
        """By session id in the stream."""
        self.moved_at = trio.current_time()
        """When entries came last, or there were none to come."""
        self._buffer = buffer
        self._merge_delay = merge_delay
        self._health = health
        self._place = StreamPlace(stream, position)
        self._advanced_at = -inf
        self._progress = Wakeup()
        self._life = trio.CancelScope()
        self._following = trio.CancelScope()

    @property
    def position(self) -> Position:
        """Up to where entries have been handed out."""
        return self._place.position

    # ---- its task

    async def run(self) -> None:
        """Until `stop`."""
        who = f"reader of stream {self.stream!r}"
        backoff = Backoff()
        with self._life:
            while True:
                with trio.CancelScope() as self._following:
                    try:
                        begun_anew = await self._agree_on_history()
                        async with self._buffer.follow(self.stream, self.position) as tail:
                            self._health.ok(who)
                            while True:
                                batch = await tail.next()
                                backoff.reset()
                                # What is missing where the log begins anew is no fault of ours, and nobody's gap.
                                await self._receive(batch, batch.lost and not begun_anew)
                                begun_anew = False
                                if self._merge_delay:
                                    await trio.sleep(self._merge_delay)
                    except TransportError as e:
                        self._health.fail(who, str(e))
                        log.warning("reading failed, trying again", stream=self.stream, error=str(e))
                        await backoff.pause()
        self._health.ok(who)

    def stop(self) -> None:
        """`run` ends."""
        self._life.cancel()

    def restart(self) -> None:
        """Follow anew, from where the log's history allows."""
        self._following.cancel()

    async def _agree_on_history(self) -> bool:
        """Whether the log begins anew."""
        begins_anew = await self._place.agree(self._buffer)
        if begins_anew:
            for feed in self.feeds.values():
                feed.state.rewind(self.position)
        return begins_anew

    # ---- entries

    async def _receive(self, batch: Batch, lost: bool) -> None:
        now = self.moved_at = trio.current_time()
        if lost:
            log.error("the buffer was trimmed faster than it was read", stream=self.stream)
            upto = batch.entries[0].position.before() if batch.entries else batch.position
            for feed in self.feeds.values():
                feed.state.lose(upto)
        if self._merge_delay:
            self._hand_out_merged(batch.entries, now)
        else:
            work = 0
            for part in _parts(batch.entries):
                work += self.hand_out(part, now)
                if work >= _TURN:
                    work = 0
                    await trio.lowlevel.checkpoint()
        self._place.move_on(batch.position)
        self._progress.set()
        if now - self._advanced_at >= _ADVANCE:
            self.advance()

    def hand_out(self, entries: list[Entry], now: float) -> int:
        """Some entries to the feeds of their sessions; how much work that was, in sends.

        No checkpoint in here: a feed made now starts at what has been handed out.

        The feeds are called, where actors otherwise send messages. A bounded channel of batches, with a task for each
        feed, takes 11.5 us more of CPU for each batch (quartiles 11.0 and 12.0, 15 alternated runs of each way). That
        is 0.8 % of what one small burst takes with 100 clients, 1 % of one of 50 KB, and 5 % of one of 50 KB with 10.
        The benchmarks do not tell the two ways apart, neither by CPU nor by the p99 of the delay: on a busy machine the
        call differs as much from itself. What decides is that `advance`, `lose`, `rewind` and `move` would have to wait
        behind the entries in the same channel, and `position` would no longer say what has been handed out.
        """
        work = 0
        for session_id, several in _by_session(entries).items():
            feed = self.feeds.get(session_id)
            if feed is not None:
                feed.fan_out.deliver(several, now)
                work += len(feed.state.clients) + 10 * len(several)
        self._place.have_read(entries)
        return work

    def _hand_out_merged(self, entries: list[Entry], now: float) -> None:
        for session_id, several in _by_session(entries).items():
            if session_id in self.feeds:
                self.feeds[session_id].fan_out.deliver_merged(several, now)
        if entries:
            self._place.have_read(entries)

    def advance(self) -> None:
        """Tell the sessions how far their stream is. It does not matter when: between what they know and this there is
        nothing of theirs."""
        self._advanced_at = trio.current_time()
        for feed in self.feeds.values():
            feed.state.advance(self.position)

    # ---- who follows

    def register(self, feed: SessionFeed) -> None:
        """Hand the entries of a feed's run to it.

        Counters get lost and ids are used again: the session that began last has the entries.
        """
        run = feed.state.run
        other = self.feeds.get(run.session_id)
        if other is not None and other is not feed:
            if other.state.run.start > run.start:
                feed.state.leave(other.state.run.start.after())
                return
            other.state.leave(run.start.after())
        self.feeds[run.session_id] = feed

    def forget(self, feed: SessionFeed) -> None:
        """The feed is in another stream now, or gone."""
        if self.feeds.get(feed.state.run.session_id) is feed:
            del self.feeds[feed.state.run.session_id]
            self._progress.set()

    async def caught_up(self) -> None:
        """Wait until all that the stream holds now has been handed out, or nobody wants it any more.

        :raises TransportError: the buffer cannot be read.
        """
        head = await self._buffer.head(self.stream)
        while self.position < head and self.feeds:
            await self._progress.wait()

    # ---- health

    async def check(self, limit: float) -> None:
        """See whether it moves: entries that wait for `limit` s make us unhealthy.

        :raises TransportError: the buffer cannot be read.
        """
        self.advance()
        known = self.position
        head = await self._buffer.head(self.stream)
        behind = trio.current_time() - self.moved_at
        if head < known:
            self.restart()
        if self.position >= head:
            self.moved_at = trio.current_time()
            self._health.ok(self._delivery)
        elif behind > limit:
            self._health.fail(self._delivery, f"entries are pending and none has been read for {behind:.0f} s")

    def retire(self) -> None:
        """Nobody follows it any more: it stops, and has nothing to complain of."""
        self.stop()
        self._health.ok(self._delivery)

    @property
    def _delivery(self) -> str:
        return f"delivery of stream {self.stream!r}"


def _parts(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Pieces that are handed out at a stretch: of about as many bytes as leave in one `send`."""
    part: list[Entry] = []
    size = 0
    for entry in entries:
        part.append(entry)
        size += len(entry.burst.packed)
        if size >= BATCH_BYTES or len(part) >= _AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _by_session(entries: list[Entry]) -> dict[int, list[Entry]]:
    by_session: dict[int, list[Entry]] = {}
    for entry in entries:
        by_session.setdefault(entry.session_id, []).append(entry)
    return by_session
