"""A service that can be killed, a buffer, an archive, and clients that read over REST and go on live behind that.

The recorder is the test's own: it writes when it is told to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from random import Random

import lz4.block
import trio
from attrs import Factory, define, field
from rta_transports.memory import MemoryLog
from trio.testing import wait_all_tasks_blocked

from rta.actors.edge import EdgeActor
from rta.actors.hub import SessionHub
from rta.errors import FlushPointError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.ports import (
    ANYBODY,
    ArchivedSession,
    Batch,
    ClientGone,
    DataKind,
    DataRange,
    Duration,
    Entry,
    FlushPoint,
    Hole,
    Portion,
    Position,
    SessionRecord,
    Size,
    Trim,
)
from rta.session.options import FanOutSettings
from rta.session.subscription import Subscription
from rta.wire import Burst, ChunkParser, Event, PeriodicData, RowData, SizeLimits, TimestampedData, read_burst
from rta.wire._pb import data_pb2
from rta.wire._pb.stream_pb2 import StreamData, StreamRequest
from tests.archive.plain_archive import PlainArchive
from tests.session.simulation import FakeSocket, json_data, pack_raw, tag_of

__all__ = ["OURS", "Connection", "Reading", "Stage", "tags_of"]

OURS = "ours"
MS = 1_700_000_000_000
LIMITS = SizeLimits(burst=32 << 20)
BEYOND = Position(1 << 62, 0)


class Silent:
    """A reporter that nobody listens to."""

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None: ...

    def notice(self, source: str, kind: str, detail: str) -> None: ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None: ...

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...


class Connection:
    """See `rta.ports.FrameConnection`; the client's side of it as well."""

    peer = "test"
    subject = ANYBODY

    def __init__(self, identity: str, after: FlushPoint | None, room: int) -> None:
        self.identity = identity
        self.after = after
        self.opened = self.heard = self.moved = trio.current_time()
        self.socket = FakeSocket(room)
        self.send = self.socket.send
        self.code: int | None = None
        self.reason = ""
        self._ask, self._asked = trio.open_memory_channel[bytes](16)
        self._at = 0
        self._free = trio.Event()
        self._blocked: Callable[[], None] = lambda: None

    # ---- the service's side

    @property
    def free(self) -> bool:
        return self.socket.free and self.code is None

    def watch(self, blocked: Callable[[], None]) -> None:
        self._blocked = blocked

    def hold(self, rest: memoryview) -> None:
        self.socket.hold(rest)

    async def drain(self) -> None:
        await trio.lowlevel.checkpoint()
        while not self.free:
            if self.code is not None:
                raise ClientGone
            self._free = trio.Event()
            await self._free.wait()

    async def receive(self) -> bytes:
        try:
            return await self._asked.receive()
        except trio.EndOfChannel:
            raise ClientGone from None

    async def close(self, code: int, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        if self.code is None:
            self.code, self.reason = code, reason

    def ping(self) -> None: ...

    def abort(self) -> None:
        self.code = 1006

    # ---- the client's side

    def subscribe(self, want: Subscription) -> None:
        request = StreamRequest()
        request.subscribe.all_events = want.events
        request.subscribe.all_data_channels = want.all_data
        request.subscribe.data_channel_ids.extend(want.channels)
        self._ask.send_nowait(request.SerializeToString())

    def break_off(self) -> None:
        """The network has gone."""
        self.code = 1006
        self._ask.close()
        self._free.set()

    def drain_socket(self, size: int = 1 << 40) -> None:
        self.socket.drain(size)
        self._free.set()

    def open_up(self) -> None:
        self.socket.open_up()
        self._free.set()

    def arrived(self) -> Iterator[Burst | FlushPoint]:
        """The messages that have come whole since it was asked last."""
        stream = self.socket.stream
        while len(stream) - self._at >= 2:
            size, head = stream[self._at + 1], self._at + 2
            if size > 125:
                width = 2 if size == 126 else 8
                size, head = int.from_bytes(stream[head : head + width], "big"), head + width
            if head + size > len(stream):
                return
            opcode, payload = stream[self._at], bytes(stream[head : head + size])
            self._at = head + size
            assert opcode in (0x81, 0x82), "not the beginning of a final frame"
            yield FlushPoint.parse(payload.decode()) if opcode == 0x81 else read_burst(payload, LIMITS)


@define
class Reading:
    """Data read over REST, kind by kind, all up to one flush point."""

    point: FlushPoint | None = None
    tags: list[int] = Factory(list)
    left: list[DataKind] = Factory(lambda: list(DataKind))
    failed: bool = False

    @property
    def done(self) -> bool:
        return not self.left and not self.failed and self.point is not None


@define(eq=False)
class Stage:
    """What there is. `kill` takes the service, and the buffer too if it is the service's own."""

    nursery: trio.Nursery
    archive: PlainArchive = field(factory=PlainArchive)
    sent: dict[int, tuple[str, int, Position]] = field(factory=dict)
    """By tag: the stream, which buffer it was, and where in it."""
    holes: int = 0
    buffers: int = 0
    log: MemoryLog = field(init=False)
    hub: SessionHub = field(init=False)
    edge: EdgeActor = field(init=False)
    _ring: int = field(init=False)
    _inside: trio.Nursery = field(init=False)
    record: SessionRecord | None = None
    """Of our session, in this buffer."""
    _opened: dict[tuple[str, int], tuple[str, Position]] = field(factory=dict)
    _starts: dict[tuple[str, int], tuple[str, Position]] = field(factory=dict)
    _tags: Iterable[int] = field(factory=lambda: count(1))
    _life: trio.CancelScope = field(factory=trio.CancelScope)
    _others: Counter[str] = field(factory=Counter)

    async def begin(self, ring: int) -> None:
        self._ring = ring
        self._new_log()
        await self.nursery.start(self._serve)

    def _new_log(self) -> None:
        self.buffers += 1
        self.log = MemoryLog(1 << 40, lambda: MS * 1_000_000 + round(trio.current_time() * 1e9))
        self.record = None
        self._opened.clear()
        self._starts.clear()

    async def _serve(self, task_status: trio.TaskStatus[None]) -> None:
        settings = FanOutSettings(ring=Size(self._ring), poll=Duration(1.0), keep=Duration(1.0), linger=Duration(0.5))
        with trio.CancelScope() as self._life:
            async with trio.open_nursery() as nursery:
                self.hub = SessionHub(self.log, settings, Health(), HotCounters(), self.archive)
                self.edge = EdgeActor(self.hub, Silent(), 20.0, 1e9)
                self._inside = nursery
                await nursery.start(self.hub.run)
                nursery.start_soon(self.edge.keeper.run)
                task_status.started()

    async def kill(self, buffer: bool) -> None:
        """Nothing is said to anybody."""
        self._life.cancel()
        await wait_all_tasks_blocked()
        if buffer:
            await trio.sleep(0.01)  # a process takes longer than that to start, so that the clock has gone on
            self._new_log()
        await self.nursery.start(self._serve)

    # ---- the log

    async def open(self, stream: str) -> None:
        """Our session begins, or begins anew."""
        self.record = await self._open(OURS, stream)
        await self.log.append(self.record, pack_raw([json_data(f'{{"identity":"{OURS}","state":"open"}}')]))

    async def _open(self, identity: str, stream: str) -> SessionRecord:
        record = await self.log.open_session(identity, stream)
        self._opened[stream, record.stream_session_id] = (identity, record.stream_position.before())
        return record

    async def append(self, items: int, pad: int) -> None:
        """A burst of our session."""
        assert self.record is not None
        tags = [next(self._tags) for _ in range(items)]  # type: ignore[call-overload]
        position = await self.log.append(self.record, pack_raw([_item(tag, pad) for tag in tags]))
        self.sent |= dict.fromkeys(tags, (self.record.stream, self.buffers, position))

    async def append_other(self, stream: str) -> None:
        """A burst of somebody else's session."""
        self._others[stream] += 1
        record = await self._open(f"other {stream} {self._others[stream]}", stream)
        await self.log.append(record, pack_raw([json_data(f'{{"identity":"{record.identity}","state":"open"}}')]))
        await self.log.append(record, pack_raw([_item(1 << 60, 0)]))

    async def trim(self, keep: int) -> None:
        """Of several streams what has been recorded: where one has lost what the others have not, nobody can tell in
        which order its runs began."""
        if len(self.streams) > 1:
            await self.commit(1 << 30)
        await self.log.trim(Trim(max_entries=keep))

    # ---- the recorder

    async def commit(self, most: int) -> None:
        """Record so many entries, of all streams in the order in which they came: a run is recorded to its end before
        the next one begins on another stream."""
        pending = [
            (entry.position, stream) for stream in self.streams for entry in (await self._unread(stream)).entries
        ]
        ends = [position for position, _ in sorted(pending)[:most]]
        for position in [*ends, BEYOND] if len(ends) == len(pending) else ends:
            for stream in self.streams:
                batch = await self._unread(stream)
                entries = [entry for entry in batch.entries if entry.position <= position]
                if entries or batch.lost:
                    await self._record(stream, batch, entries)

    @property
    def streams(self) -> list[str]:
        """In the order in which they began."""
        return list(dict.fromkeys(stream for stream, _ in self._opened))

    async def _flushed(self, stream: str) -> Position:
        begins = min(opened for (s, _), (_, opened) in self._opened.items() if s == stream)
        return (await self.archive.flush_points()).get(stream, begins)

    async def _unread(self, stream: str) -> Batch:
        return await self.log.read(stream, await self._flushed(stream), await self.log.head(stream), 1 << 30)

    async def _record(self, stream: str, batch: Batch, entries: list[Entry]) -> None:
        flushed = await self._flushed(stream)
        upto = entries[-1].position if entries else flushed
        if len(entries) == len(batch.entries):
            upto = batch.position
        holes = {}
        if batch.lost:
            gone = batch.entries[0].position.before() if batch.entries else batch.position
            for s, session_id in list(self._opened):
                identity, start = await self._run(s, session_id, flushed)
                if s == stream and start < gone:
                    holes[session_id] = Hole(max(flushed, start), gone, "trimmed")
                    self.holes += identity == OURS
            upto = max(upto, gone)
        ids = sorted({*holes, *(e.session_id for e in entries)})
        runs = {session_id: await self._run(stream, session_id, flushed) for session_id in ids}
        await self.archive.append(Portion(stream, entries, runs, upto, holes))

    async def _run(self, stream: str, session_id: int, flushed: Position) -> tuple[str, Position]:
        """The identity and the start of a run, the same ones each time."""
        key = (stream, session_id)
        if key not in self._starts:
            identity, opened = self._opened[key]
            session = await self.archive.find(identity)
            last = session.runs[-1] if session is not None else None
            again = last is not None and (last.stream, last.session_id) == key and last.start >= opened
            self._starts[key] = (identity, last.start if last is not None and again else max(opened, flushed))
        return self._starts[key]

    async def session(self) -> ArchivedSession | None:
        return await self.archive.find(OURS)

    @property
    def recorded(self) -> set[int]:
        """The tags that the archive has."""
        found = self.archive._sessions.get(OURS)
        runs = [] if found is None else found.runs
        return {tag for run in runs for e in run.entries for tag in tags_of(e.burst.message().data)}

    # ---- clients

    async def read(self, reading: Reading) -> None:
        """One more kind of data over REST."""
        kind = reading.left[0]
        try:
            async with self.archive.read(OURS, DataRange(kind, upto=reading.point)) as reader:
                reading.point = reader.flush_point
                parser = ChunkParser(kind)
                while chunks := parser.feed(await reader.next()):
                    for chunk in chunks:
                        raw = lz4.block.decompress(chunk.packed, uncompressed_size=chunk.raw_size)
                        reading.tags += _tags_in(kind, raw)
        except FlushPointError:
            reading.failed = True
        reading.failed |= reading.point is None  # nothing is recorded yet
        reading.left.pop(0)

    def connect(self, after: FlushPoint | None, room: int = 1 << 40) -> Connection:
        connection = Connection(OURS, after, room)
        self._inside.start_soon(self.edge.serve, connection)  # type: ignore[arg-type]  # all that is used of a link
        return connection


def _item(tag: int, pad: int) -> StreamData:
    """Of a kind and channel that the tag says, of bytes that no compression makes smaller."""
    noise = Random(tag).randbytes(8 + pad)
    match tag % 4:
        case 0:
            body = TimestampedData(
                channel_id=1, start_timestamp=tag, timestamp_deltas_scale=1, timestamp_deltas=[0], buffer=noise
            )
            return StreamData(timestamped_data=body)
        case 1:
            return StreamData(
                periodic_data=PeriodicData(channel_id=2, start_timestamp=tag, interval=1, samples=1, buffer=noise)
            )
        case 2:
            return StreamData(row_data=RowData(channel_ids=[3, 4], timestamp=tag, buffer=noise))
        case _:
            return StreamData(event=Event(event_definition_id=1, timestamp=tag, status_text=noise[:pad].hex()))


def tags_of(items: Iterable[StreamData]) -> list[int]:
    return [tag_of(item) for item in items if item.WhichOneof("data") not in ("session_json", "time_range")]


def _tags_in(kind: DataKind, raw: bytes) -> list[int]:
    match kind:
        case DataKind.TIMESTAMPED:
            tags = []
            for result in data_pb2.TimestampedDataList.FromString(raw).timestamped_data:
                at = result.start_timestamp
                for delta in result.timestamp_deltas:
                    at += delta * result.timestamp_deltas_scale
                    tags.append(at)
            return tags
        case DataKind.PERIODIC:
            return [p.start_timestamp for p in data_pb2.PeriodicDataList.FromString(raw).periodic_data]
        case DataKind.ROW:
            return [r.timestamp for r in data_pb2.RowDataList.FromString(raw).row_data]
        case DataKind.EVENTS:
            return [e.timestamp for e in data_pb2.EventsList.FromString(raw).events]
