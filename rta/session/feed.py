"""A session as its clients see it: the state, the ring, the views, and where each client stands.

Plain code: time comes in, frames go to sockets that never block, and what needs the log is asked for as a `Fetch`.
Nothing here awaits, so every method is atomic to the actors around it.

For one client every entry is on exactly one side of its position: at or before it, it has been delivered or is
covered by a back-fill; behind it, it will be delivered by what the client subscribes *then*. That is all there is
to the join of back-fill and leading edge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rta.hot_counters import HotCounters
from rta.ports.edge import CloseCode
from rta.ports.values import Batch, Entry, Position, SessionRecord
from rta.session.chunks import Chunk, ChunkCache, Cutter, OpenBurst
from rta.session.client import BackFill, Client, Gone, Idle, ReadLog, SessionRun, Sink, Step, Write
from rta.session.frame_batch import BATCH_BYTES, FrameBatch
from rta.session.ring import Ring
from rta.session.subscription import NOTHING, Filter, Subscription
from rta.session.view import View
from rta.wire.block import TARGET
from rta.wire.burst import Burst, json_item, make_burst, range_item
from rta.wire.session_json import glance
from rta.wire.values import TimeRange
from rta.wire.websocket import frame

__all__ = ["MAX_BACK_FILLS", "RANGE_INTERVAL", "SessionFeed"]

RANGE_INTERVAL = 0.1
"""Seconds between time ranges sent on their own."""

MAX_BACK_FILLS = 64
"""Back-fills one client may have waiting; widenings beyond that take effect when they have ended."""


_TOO_SLOW = Gone(CloseCode.FELL_BEHIND, "too slow: the buffer no longer holds what comes next")


class SessionFeed:
    """One session, followed for as long as it has clients or observers."""

    def __init__(
        self,
        record: SessionRecord,
        position: Position,
        ring_bytes: int,
        tally: HotCounters,
        now: float,
        range_due: Callable[[SessionFeed], None] = lambda feed: None,
    ) -> None:
        """`position`: up to where the stream has been read; what comes after it will be given to `take`.

        `range_due` is called when `tell_ranges` may have something to tell.
        """
        self.identity = record.identity
        self.tally = tally
        self._range_due = range_due
        self.binding = SessionRun.from_record(record, 0)
        self.position = self.binding.joined = max(position, self.binding.start)
        self._ring_bytes = ring_bytes
        self.ring = Ring(ring_bytes // 2, self.position)
        self._chunks = ChunkCache(ring_bytes // 2)
        self._cutter = Cutter()
        self.views: dict[Subscription, View] = {}
        self.clients: set[Client] = set()
        self._observers: list[Callable[[Entry], None]] = []
        self.json: str | None = None
        self._json_version = 0
        self._json_frame = b""
        self._json_came = False
        """A session JSON has come by the stream."""
        self._announced = False
        """The latest session JSON did not come by the stream."""
        self._doubted: str | None = None
        self.time_range: TimeRange | None = None
        self._range_version = 0
        self._range_frame: bytes | None = None
        self.closed_since: float | None = None
        """Since when the session JSON has been in a closed state (Trio time)."""
        self._learn(record, now)

    # ---- the session's own state

    @property
    def streamable(self) -> bool:
        """Clients can be served once there is a session JSON."""
        return self.json is not None

    @property
    def held(self) -> int:
        """Bytes that the ring and the merged chunks hold."""
        return self.ring.bytes + self._chunks.bytes

    @property
    def lag(self) -> float:
        """Seconds of arrival between the leading edge and the client furthest behind it in this run."""
        behind = [c.position.ms for c in self.clients if not c.live and c.binding is self.binding and c.position.ms]
        return max(self.position.ms - min(behind), 0) / 1000 if behind else 0.0

    def _learn(self, record: SessionRecord, now: float) -> None:
        if record.json is not None and self.json is None:
            self._set_json(record.json, now)
        self._expand(record.time_range)

    def _set_json(self, text: str, now: float) -> None:
        self.json = text
        self._doubted = None
        self._json_frame = b""
        seen = glance(text)
        if not seen.state.is_closed:
            self.closed_since = None
        elif self.closed_since is None:
            self.closed_since = now
        self._expand(seen.span)

    def _expand(self, span: TimeRange | None) -> None:
        if span is None:
            return
        wider = span if self.time_range is None else self.time_range.union(span)
        if wider is not self.time_range:
            self.time_range = wider
            self._range_version += 1
            self._range_frame = None
            self._range_due(self)

    def json_frame(self) -> bytes:
        """The current session JSON on its own."""
        if not self._json_frame and self.json is not None:
            self._json_frame = frame(make_burst([json_item(self.json)]).packed)
        return self._json_frame

    def range_frame(self) -> bytes | None:
        """The current time range on its own, if there is one."""
        if self._range_frame is None and self.time_range is not None:
            self._range_frame = frame(make_burst([range_item(self.time_range)]).packed)
        return self._range_frame

    # ---- the stream

    def take(self, entry: Entry, now: float) -> None:
        """The next entry of this session: to the live clients at once, to the others in their time."""
        self.take_run((entry,), now)

    def take_run(self, entries: Sequence[Entry], now: float) -> None:
        """The next entries, each in a frame of its own; small ones that follow each other leave in one `send`."""
        runs: dict[View, FrameBatch] = {}
        for entry in entries:
            told = self._range_version
            if self._absorb(entry, now):
                opened = OpenBurst(entry.burst)
                for view in self.views.values():
                    if view.live:
                        out = self._cutter.single(opened, view.want)
                        if out is not None:
                            run = runs.get(view)
                            if run is None:
                                run = runs[view] = FrameBatch(self.position, view.range_version)
                            elif run.size + len(out) > BATCH_BYTES:
                                self._send_run(view, run)
                                run = runs[view] = FrameBatch(self.position, view.range_version)
                            run.add(out, entry.position)
                            if entry.burst.time_range is not None and run.range_version == told:
                                run.range_version = self._range_version
            self.position = entry.position
        for view, run in runs.items():
            self._send_run(view, run)

    def _send_run(self, view: View, run: FrameBatch) -> None:
        out = run.joined()
        for client, taken in view.deliver(out, len(run), len(run), self.tally):
            # A frame that was begun counts as delivered; one that was not, not even in part, is still to come.
            position, rest, begun = run.cut(taken)
            self._leave_live(client, position)
            self.tally.fell_behind += taken >= 0
            if taken < 0:
                client.sink.abort()
            elif taken > 0:
                if rest:
                    client.sink.hold(memoryview(out)[taken : taken + rest])
                self.tally.uncount(len(run) - begun, len(out) - taken - rest)
        view.range_version = run.range_version

    def take_merged(self, entries: Sequence[Entry], now: float) -> None:
        """Several entries at once, merged to about 64 KiB for the live clients too."""
        group: list[Burst] = []
        size = 0
        for i, entry in enumerate(entries):
            if self._absorb(entry, now):
                group.append(entry.burst)
                size += entry.burst.raw_size
            following = entries[i + 1].burst.raw_size if i + 1 < len(entries) else TARGET
            if group and size + following > TARGET:
                for view in self.views.values():
                    if view.live:
                        chunk = self._cutter.merged(group, view.want, entry.position)
                        if chunk.frame is not None:
                            self._fan_out(view, chunk.frame, chunk.bursts, entry.position)
                group, size = [], 0
            if not group:
                self.position = entry.position

    def _absorb(self, entry: Entry, now: float) -> bool:
        """What an entry says of the session itself; whether it has anything for clients besides a time range."""
        burst = entry.burst
        if not self._is_ours(self.binding, entry):
            return False
        self.tally.bursts_in += 1
        self.tally.bytes_in += len(burst.packed)
        for text in burst.session_json:
            self._set_json(text, now)
            self._json_came, self._announced = True, False
        if burst.time_range is not None:
            self._expand(burst.time_range)
        for observer in self._observers:
            observer(entry)
        if burst.has_data or burst.has_events or burst.session_json:
            self.ring.append(entry.position, burst)
            return True
        return False

    def _is_ours(self, binding: SessionRun, entry: Entry) -> bool:
        """Whether an entry with our id is of our session. Ids are used again where a counter got lost."""
        for text in entry.burst.session_json:
            identity = glance(text).identity
            if identity is not None and identity != self.identity:
                self.leave(entry.position, binding)
        return binding.left is None or entry.position < binding.left

    def leave(self, position: Position, binding: SessionRun | None = None) -> None:
        """From here on the id of this run is another session's."""
        binding = binding or self.binding
        binding.left = position if binding.left is None else min(position, binding.left)

    def advance(self, position: Position) -> None:
        """The stream has been read up to here. What others lost there is no loss to us."""
        self.position = max(self.position, position)

    def lose(self) -> None:
        """The reader found that entries had been trimmed before it read them: nobody can be served without a gap."""
        self.tally.lost += 1
        self.tally.dropped += len(self.clients)
        for client in self.clients:
            self._leave_live(client, self.position)
            client.gone = _TOO_SLOW
            client.wake()

    def _fan_out(self, view: View, out: bytes, bursts: int, position: Position) -> list[Client]:
        """Send to the live clients of a view; those that took nothing of it."""
        behind = view.deliver(out, 1, bursts, self.tally)
        if not behind:
            return []
        for client, taken in behind:
            # A frame that was begun counts as delivered; one that was not, not even in part, is still to come.
            self._leave_live(client, self.position if taken == 0 else position)
            self.tally.fell_behind += taken >= 0
            if taken > 0:
                client.sink.hold(memoryview(out)[taken:])
            elif taken < 0:
                client.sink.abort()
        return [client for client, taken in behind if not taken]

    def tell_ranges(self, now: float) -> float | None:
        """Send the time range to live clients that lack it, at most every `RANGE_INTERVAL`; when to call again."""
        again: float | None = None
        for view in self.views.values():
            if not view.live or view.range_version == self._range_version:
                continue
            if view.range_due is None:
                view.range_due = view.range_at + RANGE_INTERVAL  # whoever joins meanwhile does not put it off
            if now >= view.range_due:
                self._tell_range(view, now)
            else:
                again = view.range_due if again is None else min(again, view.range_due)
        return again

    def _tell_range(self, view: View, now: float) -> None:
        out = self.range_frame()
        assert out is not None, "a range version without a range"
        old, view.range_version = view.range_version, self._range_version
        view.range_at, view.range_due = now, None
        for client in self._fan_out(view, out, 0, self.position):
            client.range_version = old

    def refresh(self, record: SessionRecord, now: float) -> None:
        """A record of this run, read just after the feed was made."""
        if self.binding.is_run(record):
            if record.json != self.json and not self._json_came:
                self._announce(record.json, now)
            self._expand(record.time_range)

    def reconcile(self, record: SessionRecord, now: float) -> bool:
        """Compare with a fresh record; False if it speaks of another run, so that the feed must be moved there.

        Record and stream are not written together. A session JSON that differs is believed when it is still there
        at the second look, and nothing has come by the stream in between.
        """
        if not self.binding.is_run(record):
            return False
        self._expand(record.time_range)
        if record.json is None or record.json == self.json:
            self._doubted = None
        elif self.json is None or self._doubted == record.json:
            self._announce(record.json, now)
        else:
            self._doubted = record.json
        return True

    def _announce(self, text: str | None, now: float) -> None:
        """A session JSON that did not come by the stream."""
        if text is None:
            return
        self._set_json(text, now)
        self._announced = True
        self._json_version += 1
        for client in self.clients:
            self._leave_live(client, self.position)
            client.wake()

    def move(self, record: SessionRecord, position: Position, now: float) -> None:
        """A new run of the session: whoever is still in the old one reads it to its end first.

        `position`: up to where the new run's stream has been read.
        """
        old, new = self.binding, SessionRun.from_record(record, self.binding.serial + 1)
        for client in self.clients:
            self._leave_live(client, self.position)
        old.end, old.successor = self.position, new
        self.binding, self.position = new, max(position, new.start)
        new.joined = self.position
        self.ring = Ring(self._ring_bytes // 2, self.position)
        self._expand(record.time_range)
        self._announce(record.json, now)
        for client in self.clients:
            client.wake()

    def rewind(self, position: Position) -> None:
        """The log has forgotten what was behind `position` and begins anew from there."""
        old = self.binding
        new = SessionRun(old.serial + 1, old.stream, old.session_id, position, position)
        for client in self.clients:
            self._leave_live(client, self.position)
            for job in client.back_fills:
                if job.binding is old:
                    job.upto = min(job.upto, position)
        old.end, old.successor = min(self.position, position), new
        self.binding, self.position = new, position
        self.ring = Ring(self._ring_bytes // 2, position)
        for client in self.clients:
            client.wake()

    # ---- observers

    def observe(self, observer: Callable[[Entry], None]) -> Callable[[], None]:
        """Have every entry behind `position` from now on, in order and whatever is in it. What is returned ends it.

        Called while entries are handed out: an observer must not block, and is to be quick. It keeps the feed alive.
        """
        self._observers = [*self._observers, observer]

        def end() -> None:
            self._observers = [other for other in self._observers if other is not observer]

        return end

    @property
    def wanted(self) -> bool:
        """Whether it has clients or observers."""
        return bool(self.clients or self._observers)

    # ---- clients

    def attach(self, sink: Sink, wake: Callable[[], None]) -> Client:
        """A new client; it is first owed the session JSON, then the time range."""
        client = Client(sink, wake, self.binding, self.position, self._view(NOTHING))
        client.queued, client.json_version = self.json_frame(), self._json_version
        self.clients.add(client)
        return client

    def detach(self, client: Client) -> None:
        """The client is gone; idempotent."""
        if client in self.clients:
            self.clients.discard(client)
            self._leave_view(client)
            client.back_fills.clear()

    def widen(self, client: Client, more: Subscription, back_scan_from: Position) -> bool:
        """Add to what a client gets, from its position on, and owe it what the log holds before that.

        False, and nothing has changed, when the client has too many back-fills waiting.
        """
        old = client.subscription
        new = old.widened(more)
        if new is old:
            return True
        if len(client.back_fills) >= MAX_BACK_FILLS:
            return False
        self._leave_live(client, self.position)
        self._leave_view(client)
        client.view = self._view(new)
        client.subscription = client.view.subscription  # equal ones are one object: look-ups stay cheap
        start = max(client.binding.start, back_scan_from.before())
        if start < client.position:
            want = Filter(new, old)
            client.back_fills.append(BackFill(want, client.binding, start, client.position))
        client.caught_up = None
        client.wake()
        return True

    def _view(self, subscription: Subscription) -> View:
        view = self.views.get(subscription)
        if view is None:
            view = self.views[subscription] = View(subscription, self._range_version)
        view.clients += 1
        return view

    def _leave_view(self, client: Client) -> None:
        view = client.view
        view.live.pop(client, None)
        client.live = False
        view.clients -= 1
        if not view.clients:
            del self.views[view.subscription]

    def _leave_live(self, client: Client, position: Position) -> None:
        if client.live:
            client.live = False
            del client.view.live[client]
            client.binding, client.position = self.binding, position
            client.range_version = client.view.range_version
            client.range_at = max(client.range_at, client.view.range_at)
            client.caught_up = None
            client.wake()

    def blocked(self, client: Client) -> None:
        """The client's socket is busy with something else: it is no longer live."""
        self._leave_live(client, self.position)

    def step(self, client: Client, now: float) -> Step:
        """What the client's actor is to do next. The socket must be free. Writing is assumed to succeed."""
        if client.gone is not None:
            return client.gone
        if client.queued is not None:
            out, client.queued = client.queued, None
            return Write(out)
        if not client.live and client.range_version != self._range_version and now >= client.range_at + RANGE_INTERVAL:
            client.range_version, client.range_at = self._range_version, now
            told = self.range_frame()
            if told is not None:
                return Write(told)
        if not client.live:
            step = self._towards_head(client)
            if step is not None:
                return step
            # At the head, so that it does not overtake older ones that came by the stream.
            if client.json_version != self._json_version:
                client.json_version = self._json_version
                if self._announced:
                    return Write(self.json_frame())
            self._join_live(client)
        step = self._back_fill(client)
        if step is not None:
            return step
        if client.caught_up is None:
            client.caught_up = now
        return client.leaving or Idle()

    def _join_live(self, client: Client) -> None:
        view = client.view
        told = client.range_version
        view.range_version = min(told, view.range_version) if view.live else told
        view.range_at = max(client.range_at, view.range_at)
        if told != self._range_version:
            self._range_due(self)
        client.live = True
        view.live[client] = client.sink.send

    def _towards_head(self, client: Client) -> Step | None:
        """What lies between the client and the leading edge; None when it is there."""
        want = client.view.want
        while True:
            binding = client.binding
            if binding is self.binding and client.position >= self.ring.floor:
                chunk = self._chunks.get(want, binding.serial, client.position, self.position)
                if chunk is None:
                    found = self.ring.chunk(client.position)
                    if found is None:
                        return None
                    bursts, end = found
                    chunk = self._cutter.merged(bursts, want, end)
                    self._chunks.put(want, binding.serial, client.position, chunk)
            else:
                end_of_run = binding.end if binding.end is not None else self.ring.floor
                if binding.successor is not None and client.position >= end_of_run:
                    self._enter_run(client, binding.successor)
                    continue
                line = self.ring.grid_end(client.position) if binding is self.binding else None
                upto = end_of_run if line is None else line
                chunk = self._chunks.get(want, binding.serial, client.position, upto)
                if chunk is None:
                    return ReadLog(want, binding, client.position, upto, None)
            client.position = chunk.end
            if chunk.frame is not None:
                self._count(chunk)
                return Write(chunk.frame)

    @staticmethod
    def _enter_run(client: Client, run: SessionRun) -> None:
        """On to the next run: live from where the feed took it up, and what was there already as a back-fill."""
        client.binding, client.position = run, run.joined
        if run.start < run.joined and client.subscription is not NOTHING:
            want = Filter(client.subscription, NOTHING)
            client.back_fills.append(BackFill(want, run, run.start, run.joined))

    def _back_fill(self, client: Client) -> Step | None:
        while client.back_fills:
            job = client.back_fills[0]
            if job.after >= job.upto:
                client.back_fills.popleft()
                continue
            line = self.ring.grid_end(job.after) if job.binding is self.binding else None
            upto = job.upto if line is None else min(line, job.upto)
            chunk = self._chunks.get(job.want, job.binding.serial, job.after, upto)
            if chunk is None:
                return ReadLog(job.want, job.binding, job.after, upto, job)
            job.after, job.started = chunk.end, True
            if chunk.frame is not None:
                self._count(chunk)
                self.tally.backfill_bursts += chunk.bursts
                self.tally.backfill_bytes += len(chunk.frame)
                return Write(chunk.frame)
        return None

    def give(self, client: Client, fetch: ReadLog, batch: Batch) -> Gone | None:
        """What a `Fetch` brought; the next `step` goes on from there."""
        job = fetch.back_fill
        if batch.lost and (job is None or job.started):
            self.tally.dropped += 1
            return _TOO_SLOW
        if client not in self.clients:
            return None
        if job is None and (client.binding is not fetch.binding or client.position != fetch.after):
            return None
        mine = fetch.binding
        bursts = [e.burst for e in batch.entries if e.session_id == mine.session_id and self._is_ours(mine, e)]
        want = fetch.want if job is not None else client.view.want
        chunk = self._cutter.merged(bursts, want, batch.position)
        self._chunks.put(want, fetch.binding.serial, fetch.after, chunk)
        if job is not None:
            job.after, job.started = chunk.end, True
            self.tally.backfill_bursts += chunk.bursts
            self.tally.backfill_bytes += len(chunk.frame or b"")
        else:
            client.position = chunk.end
            self.tally.rewound += 1
        self._count(chunk)
        client.queued = chunk.frame
        return None

    def _count(self, chunk: Chunk) -> None:
        if chunk.frame is not None:
            self.tally.frames_out += 1
            self.tally.bursts_out += chunk.bursts
            self.tally.bytes_out += len(chunk.frame)

    def finished(self, client: Client, opened: float, now: float, linger: float) -> bool:
        """The session is closed, everything has been delivered, and long enough ago."""
        if self.closed_since is None or client.caught_up is None:
            return False
        return now >= max(self.closed_since, client.caught_up, opened) + linger
