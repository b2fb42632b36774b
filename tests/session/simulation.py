"""What surrounds a session feed, played step by step: sockets, clients' decoders, the actors' loop.

Nothing here sleeps. Must not know how the feed does what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import lz4.block
import outcome
import pytest
from attrs import frozen
from rta_transports.memory.log import MemoryLog

from rta.hot_counters import HotCounters
from rta.ports import START, Batch, Entry, Position, SessionRecord
from rta.session.client import BackFill, Client, Close, Ending, Idle, ReadLog, Write
from rta.session.feed import SessionFeed
from rta.session.subscription import Subscription
from rta.wire import Burst, Event, PeriodicData, RowData, TimeRange, TimestampedData, read_burst
from rta.wire._pb.stream_pb2 import StreamData, StreamDataBurst

T = TypeVar("T")

READ_BYTES = 64 << 10
MS = 1_700_000_000_000
"""When the simulated world begins."""

_BEGIN = Position(MS, 0)


def at_once(call: Coroutine[Any, Any, T]) -> T:
    """The outcome of a call whose checkpoints have nobody to let in. Only within a Trio task."""
    try:
        call.send(None)
        while True:
            call.send(outcome.Value(None))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


# ---- telemetry that can be told apart


class Spec(NamedTuple):
    """What to make an item of."""

    kind: str
    channels: tuple[int, ...] = ()
    pad: int = 0
    """Bytes, so that items come in sizes."""


class Item(NamedTuple):
    """One item, found again by its tag."""

    tag: int
    kind: str
    channels: tuple[int, ...]
    data: bytes


def make_item(spec: Spec, tag: int) -> Item:
    """An item with the tag for its timestamp."""
    pad = tag.to_bytes(8, "little") + bytes(spec.pad)
    match spec.kind:
        case "timestamped":
            channels = spec.channels[:1]
            body = StreamData(timestamped_data=TimestampedData(channel_id=channels[0], start_timestamp=tag, buffer=pad))
        case "periodic":
            channels = spec.channels[:1]
            body = StreamData(
                periodic_data=PeriodicData(channel_id=channels[0], start_timestamp=tag, interval=1, buffer=pad)
            )
        case "row":
            channels = spec.channels
            body = StreamData(row_data=RowData(channel_ids=channels, timestamp=tag, buffer=pad))
        case "event":
            channels = ()
            body = StreamData(
                event=Event(event_definition_id=1, timestamp=tag, status_text="." * spec.pad, raw_data=[float(tag)])
            )
        case kind:
            raise ValueError(kind)
    return Item(tag, spec.kind, channels, body.SerializeToString())


def samples(channel: int, tag: int, pad: int = 0) -> StreamData:
    """Timestamped data of one channel."""
    return StreamData.FromString(make_item(Spec("timestamped", (channel,), pad), tag).data)


def event(tag: int) -> StreamData:
    return StreamData.FromString(make_item(Spec("event"), tag).data)


def tag_of(data: StreamData) -> int:
    match data.WhichOneof("data"):
        case "timestamped_data":
            return data.timestamped_data.start_timestamp
        case "periodic_data":
            return data.periodic_data.start_timestamp
        case "row_data":
            return data.row_data.timestamp
        case "event":
            return data.event.timestamp
        case kind:
            raise ValueError(f"{kind} has no tag")


def pack_raw(items: Iterable[bytes | StreamData]) -> Burst:
    """A burst as an ingest would write it, not by the code under test."""
    burst = StreamDataBurst()
    for item in items:
        burst.data.append(StreamData.FromString(item) if isinstance(item, bytes) else item)
    return read_burst(lz4.block.compress(burst.SerializeToString(), store_size=False, mode="fast", acceleration=4))


def range_data(start: int, end: int) -> StreamData:
    data = StreamData()
    data.time_range.start_time, data.time_range.end_time = start, end
    return data


def json_data(text: str) -> StreamData:
    return StreamData(session_json=text)


# ---- a client's side of the wire


class Message(NamedTuple):
    """One WebSocket message as the client understands it."""

    offset: int
    """Where its frame begins in the byte stream."""
    size: int
    """Bytes before compression."""
    data: list[StreamData]

    @property
    def only(self) -> str | None:
        """The kind of a message's single item."""
        return self.data[0].WhichOneof("data") if len(self.data) == 1 else None


def frames(stream: bytes) -> list[tuple[int, bytes]]:
    """Offset and payload of every whole frame of a server's byte stream (RFC 6455, 5.2)."""
    out, at = [], 0
    while len(stream) - at >= 2:
        if stream[at] != 0x82:
            raise AssertionError(f"byte {at} is {stream[at]:#x}: not the start of a final binary frame")
        size, head = stream[at + 1], 2
        if size > 127:
            raise AssertionError(f"the frame at byte {at} is masked")
        if size > 125:
            head = 4 if size == 126 else 10
            size = int.from_bytes(stream[at + 2 : at + head], "big")
        if at + head + size > len(stream):
            break
        out.append((at, bytes(stream[at + head : at + head + size])))
        at += head + size
    return out


def whole(stream: bytes) -> bool:
    """Whether the byte stream ends with a frame's end."""
    found = frames(stream)
    if not found:
        return not stream
    offset, payload = found[-1]
    head = 2 if len(payload) < 126 else 4 if len(payload) < 65536 else 10
    return offset + head + len(payload) == len(stream)


@frozen
class Received:
    """Everything a client got, decoded."""

    messages: list[Message]

    @classmethod
    def of(cls, stream: bytes) -> Received:
        messages = []
        for offset, payload in frames(bytes(stream)):
            raw = lz4.block.decompress(payload, uncompressed_size=16 << 20)
            messages.append(Message(offset, len(raw), list(StreamDataBurst.FromString(raw).data)))
        return cls(messages)

    @property
    def session_jsons(self) -> list[str]:
        return [d.session_json for m in self.messages for d in m.data if d.WhichOneof("data") == "session_json"]

    @property
    def time_ranges(self) -> list[TimeRange]:
        return [
            TimeRange(d.time_range.start_time, d.time_range.end_time)
            for m in self.messages
            for d in m.data
            if d.WhichOneof("data") == "time_range"
        ]

    @property
    def items(self) -> list[tuple[Message, StreamData]]:
        """Events and samples, each with the message it came in."""
        kinds = ("timestamped_data", "periodic_data", "row_data", "event")
        return [(m, d) for m in self.messages for d in m.data if d.WhichOneof("data") in kinds]

    @property
    def tags(self) -> list[int]:
        return [tag_of(d) for _, d in self.items]


class FakeSocket:
    """A socket whose kernel buffer holds at most `room` bytes until the test drains it."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.room = room
        self.kernel = 0
        self.stream = bytearray()
        """Every byte ever taken."""
        self.held: memoryview | None = None
        self.broken = False
        self.aborted = False
        self.sends = 0

    @property
    def free(self) -> bool:
        return self.held is None

    def send(self, data: bytes | memoryview) -> int:
        assert self.held is None, "a frame would land inside another"
        assert not self.aborted, "a send after the abort"
        self.sends += 1
        return self._take(data)

    def _take(self, data: bytes | memoryview) -> int:
        if self.broken:
            raise BrokenPipeError
        n = min(self.room - self.kernel, len(data))
        if n <= 0:
            raise BlockingIOError
        self.stream += data[:n]
        self.kernel += n
        return n

    def hold(self, rest: memoryview) -> None:
        assert self.held is None
        assert len(rest)
        self.held = rest

    def abort(self) -> None:
        self.aborted = True

    def drain(self, count: int = 1 << 40) -> None:
        """The client reads; then the kernel has room for what is held."""
        self.kernel -= min(count, self.kernel)
        while self.held is not None and self.kernel < self.room and not self.broken:
            n = self._take(self.held)
            self.held = self.held[n:] if n < len(self.held) else None
            if count >= 1 << 40:
                self.kernel = 0

    def open_up(self) -> None:
        """Never full again."""
        self.room = 1 << 40
        self.drain()

    @property
    def received(self) -> Received:
        return Received.of(bytes(self.stream))

    @property
    def promised(self) -> int:
        """Bytes of the stream that are decided: those taken and those held."""
        return len(self.stream) + (0 if self.held is None else len(self.held))


class Actor:
    """What the actor of one client does, as far as the test lets it go on."""

    def __init__(
        self,
        feed: SessionFeed,
        socket: FakeSocket,
        read: Callable[[ReadLog], Batch] | None = None,
        started: Callable[[BackFill], None] = lambda job: None,
    ) -> None:
        """`read` asks the log; `started` is told when the first of a back-fill has been read, and each
        time before that the log had nothing of it."""
        self.feed = feed
        self.socket = socket
        self._read = read
        self._started = started
        self._awake = True
        self._stepping = False
        self.fetch: ReadLog | None = None
        self.batch: Batch | None = None
        self.gone: Ending | None = None
        self.over = False
        self.client: Client = feed.attach(socket, self._wake)

    def _wake(self) -> None:
        self._awake = True

    @property
    def idle(self) -> bool:
        """Asleep, and nothing has called it."""
        return not (self._awake or self._stepping or self.over or self.fetch) and self.socket.free

    def run(self, now: float, steps: int = 1 << 20) -> bool:
        """Go on until it has to wait, at most so many steps; whether there was anything to do."""
        done = 0
        while done < steps and not self.over and self.fetch is None:
            if self.socket.aborted:
                self.end()
                break
            if not self.socket.free:
                break
            if not self._stepping:
                if not self._awake:
                    break
                self._awake, self._stepping = False, True
            self._step(now)
            done += 1
        return done > 0

    def _step(self, now: float) -> None:
        waiting = self._waiting()
        match self.feed.catch_up.step(self.client, now):
            case Write(frame):
                self._write(frame)
            case ReadLog() as fetch:
                self.fetch, self.batch = fetch, None
            case Idle():
                self._stepping = False
            case Close(ending):
                self.gone = ending
                self.end()
        self._look_for_starts(waiting)

    def _waiting(self) -> list[tuple[BackFill, Position]]:
        """Back-fills of which the log has had nothing yet."""
        return [(job, job.after) for job in self.client.back_fills if not job.started]

    def _look_for_starts(self, waiting: Iterable[tuple[BackFill, Position]]) -> None:
        for job, after in waiting:
            if job.started or job.after != after:
                self._started(job)

    def _write(self, frame: bytes) -> None:
        try:
            taken = self.socket.send(frame)
        except BlockingIOError:
            taken = 0
        except OSError:
            self.socket.abort()
            self.end()
            return
        if taken < len(frame):
            self.socket.hold(memoryview(frame)[taken:])
            self.feed.blocked(self.client)

    def read_log(self) -> bool:
        """The log looks up what was asked for."""
        if self.fetch is None or self.batch is not None or self.over:
            return False
        assert self._read is not None, "the feed wants to read the log"
        self.batch = self._read(self.fetch)
        return True

    def give(self) -> bool:
        """The log's answer arrives."""
        if self.fetch is None or self.batch is None or self.over:
            return False
        fetch, batch, waiting = self.fetch, self.batch, self._waiting()
        self.fetch = self.batch = None
        gone = self.feed.catch_up.receive(self.client, fetch, batch)
        self._look_for_starts(waiting)
        if gone is not None:
            self.gone = gone
            self.end()
        return True

    def settle(self, now: float) -> bool:
        """All that can be done without the socket's or anybody's help; whether there was anything."""
        busy = False
        while self.run(now) | self.read_log() | self.give():
            busy = True
        return busy

    def end(self) -> None:
        """The connection is over."""
        self.over = True
        self.fetch = self.batch = None
        self.feed.detach(self.client)


# ---- one session on a table, for tests that need no log of their own


def record(
    json: str | None = '{"identity":"s","state":"open"}',
    *,
    identity: str = "s",
    stream: str = "a",
    session_id: int = 1,
    start: Position = START,
    span: TimeRange | None = None,
) -> SessionRecord:
    return SessionRecord(identity, stream, session_id, start, 0, json, span)


ALL = Subscription(True, True)


def only(*channels: int, events: bool = False) -> Subscription:
    return Subscription(events, False, frozenset(channels))


class Table:
    """A feed, the entries it was given, and its clients: everything at hand."""

    def __init__(
        self,
        ring_bytes: int = 1 << 20,
        about: SessionRecord | None = None,
        now: float = 0.0,
        position: Position = _BEGIN,
    ) -> None:
        self.now = now
        self.entries: dict[str, list[Entry]] = {}
        self.trimmed: dict[str, Position] = {}
        self.counters = HotCounters()
        self.ranges_due = 0
        self.reads = 0
        about = record() if about is None else about
        self._at = (about.stream, about.stream_session_id)
        self._ms = MS
        self.feed = SessionFeed(about, position, ring_bytes, self.counters, now, self._range_due)
        self.actors: list[Actor] = []

    def _range_due(self, feed: SessionFeed) -> None:
        self.ranges_due += 1

    def read(self, fetch: ReadLog) -> Batch:
        """The log's answer to a fetch: at most `READ_BYTES`, at least one entry."""
        self.reads += 1
        stream = self.entries.get(fetch.run.stream, [])
        trimmed = self.trimmed.get(fetch.run.stream, START)
        lost = fetch.after < trimmed
        due = [e for e in stream if max(fetch.after, trimmed) < e.position <= fetch.upto]
        out: list[Entry] = []
        size = 0
        for entry in due:
            size += entry.burst.raw_size
            if out and size > READ_BYTES:
                return Batch(out, out[-1].position, lost)
            out.append(entry)
        return Batch(out, max(fetch.after, fetch.upto), lost)

    def entry(self, *data: StreamData, burst: Burst | None = None) -> Entry:
        """Append to the log, a millisecond after the last."""
        self._ms += 1
        stream, session_id = self._at
        entry = Entry(Position(self._ms, 0), session_id, pack_raw(data) if burst is None else burst)
        self.entries.setdefault(stream, []).append(entry)
        return entry

    def publish(self, *data: StreamData, burst: Burst | None = None) -> Entry:
        """Append to the log and give it to the feed."""
        entry = self.entry(*data, burst=burst)
        self.feed.fan_out.deliver((entry,), self.now)
        return entry

    def move(self, about: SessionRecord) -> None:
        """The session is restarted; what is published from now on is of the new run."""
        self._at = (about.stream, about.stream_session_id)
        self.feed.state.move(about, about.stream_position.before(), self.now)

    def trim(self, upto: Position, stream: str = "a") -> None:
        """The log forgets everything up to a position."""
        self.trimmed[stream] = upto

    def lose_one(self) -> None:
        """An entry is trimmed before the reader has had it."""
        self.entry(samples(1, 1 << 40))
        self.trim(self.head)
        self.feed.state.lose(self.head)

    @property
    def head(self) -> Position:
        return Position(self._ms, 0)

    @property
    def _next(self) -> Position:
        return Position(self._ms + 1, 0)

    def client(self, room: int = 1 << 40) -> Actor:
        """A client that has just connected; its actor has not run yet."""
        actor = Actor(self.feed, FakeSocket(room), self.read)
        self.actors.append(actor)
        return actor

    def following(
        self,
        *wants: Subscription,
        room: int = 1 << 40,
        back_scan_from: Position | None = None,
        now: float | None = None,
    ) -> Actor:
        """A client that has subscribed and is at the leading edge."""
        actor = self.client()
        now = self.now if now is None else now
        actor.settle(now)
        for want in wants:
            start = self._next if back_scan_from is None else back_scan_from
            assert self.feed.catch_up.widen(actor.client, want, start)
        actor.settle(now)
        actor.socket.room = room
        actor.socket.kernel = 0
        return actor

    def settle(self) -> None:
        """Every actor does what it can."""
        while sum(actor.settle(self.now) for actor in self.actors):
            pass


def payloads(socket: FakeSocket, since: int = 0) -> Sequence[bytes]:
    """The packed bursts of the messages from byte `since` on."""
    return [payload for offset, payload in frames(bytes(socket.stream)) if offset >= since]


class LogReads:
    """Reads of a memory log for actors."""

    def __init__(self, log: MemoryLog, max_bytes: int = READ_BYTES) -> None:
        self._log = log
        self._max_bytes = max_bytes

    def __call__(self, fetch: ReadLog) -> Batch:
        return at_once(self._log.read(fetch.run.stream, fetch.after, fetch.upto, self._max_bytes))

    def oldest(self, stream: str) -> Position:
        """Where what is still held of a stream begins; beyond everything where nothing is."""
        beyond = Position(1 << 62, 0)
        batch = at_once(self._log.read(stream, START, beyond, 1))
        return batch.entries[0].position if batch.entries else beyond


def own_ranges(actor: Actor) -> list[TimeRange]:
    """Those that came on their own."""
    return [
        TimeRange(m.data[0].time_range.start_time, m.data[0].time_range.end_time)
        for m in actor.socket.received.messages
        if m.only == "time_range"
    ]


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[None]:
    """One more element at every call."""
    calls: list[None] = []
    original: Callable[..., Any] = getattr(owner, name)

    def count(*args: Any) -> Any:
        calls.append(None)
        return original(*args)

    monkeypatch.setattr(owner, name, count)
    return calls


OPEN = '{"identity":"s","state":"open"}'
CLOSED = '{"identity":"s","state":"closed"}'


def at(ms: int) -> Position:
    """A position so many ms behind the beginning."""
    return Position(MS + ms, 0)
