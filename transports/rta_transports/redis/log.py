"""The buffer on Redis: bursts in Redis Streams, sessions in hashes, as every ingest process writes them.

Source: docs/redis.md, "What is in Redis".
"""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from itertools import count

import trio
from attrs import define, evolve

from rta.background import in_background, started_in_background
from rta.errors import MalformedError
from rta.large_json import SMALL, inspect_large
from rta.ports import Batch, Context, Entry, Position, Reporter, SessionRecord, StreamSessionId, Trim
from rta.ports.certificate_expiry import CertificateExpiry
from rta.wire import Burst
from rta.wire.burst import SizeLimits
from rta.wire.session_json import Glance
from rta_transports.redis.connection import Reply, ServerError
from rta_transports.redis.directory import Directory
from rta_transports.redis.entries import EntryReader, RawEntry, position_of
from rta_transports.redis.keys import SESSION_COUNTER, STREAMS, Keys, encoded
from rta_transports.redis.last_data import find_last_data
from rta_transports.redis.losses import Anchors, Edges, was_lost
from rta_transports.redis.options import RedisLogOptions
from rta_transports.redis.records import as_mapping, read_record
from rta_transports.redis.scripts import APPEND, CLAIM, EDGES, FORGET, OPEN, RELEASE, UPDATE
from rta_transports.redis.server import Server, good
from rta_transports.redis.tail import RedisTail
from rta_transports.redis.upkeep import Upkeep
from rta_transports.redis.xread import XReadMultiplexer

__all__ = ["RedisLog", "open_log"]

_WRITING = 4096  # sessions of which it is remembered how many appends there were
_MOST = 1000  # entries asked for at once
_TYPICAL = 4096  # bytes of a burst, unpacked, as long as a stream has not shown its own


@define(eq=False)
class _Appending:
    """Where a session of ours is: its last append, which may or may not have been carried out."""

    lock: trio.Lock
    number: int = 0
    unanswered: bytes | None = None


class RedisLog:
    """Nothing here outlives a call but hints: any number of processes share the same log."""

    shared = True

    def __init__(
        self,
        server: Server,
        multiplexer: XReadMultiplexer,
        anchors: Anchors,
        entries: EntryReader,
        options: RedisLogOptions,
        report: Reporter,
        limits: SizeLimits,
    ) -> None:
        self.server = server
        self.keys = Keys(options.session_key)
        self._multiplexer = multiplexer
        self._report = report
        self._entries = entries
        self._expiry_ms = int(options.session_expiry * 1000)
        self._anchors = anchors
        self._limits = limits
        self._large: dict[str, tuple[tuple[int, int], Glance]] = {}
        """What was found in the large JSON of a session, and how to recognise that JSON."""
        self._writer = f"{random.getrandbits(64):016x}"
        self._openings = 0
        self._numbers = count(1)
        self._appending: dict[tuple[str, int], _Appending] = {}
        self._burst_size: dict[str, float] = {}
        self._directory = Directory(server, self.keys)
        self._upkeep = Upkeep(server, self._directory, options, report)

    # ---- writing

    async def open_session(self, identity: str, stream: str) -> SessionRecord:
        self._openings += 1
        opening = self._openings
        session_id = await self.server.ask_one(SESSION_COUNTER, "INCRBY", SESSION_COUNTER, 1)
        await self.server.ask_one(STREAMS, "SADD", STREAMS, encoded(stream))
        position = await self.head(stream)
        key = self.keys.session(identity)
        now = await self.server.ask_one(
            key,
            "EVAL",
            OPEN,
            1,
            key,
            session_id,
            encoded(stream),
            str(position),
            self._writer,
            opening,
            self._expiry_ms,
        )
        return SessionRecord(identity, stream, session_id, position, now)

    async def append(self, session: SessionRecord, burst: Burst) -> Position:
        who = (session.stream, session.stream_session_id)
        state = self._appending.get(who)
        if state is None:
            self._forget_idle()
            state = self._appending[who] = _Appending(trio.Lock())
        async with state.lock:
            if state.unanswered != burst.packed:
                state.number = next(self._numbers)
                state.unanswered = burst.packed
            position = await self._append(session, burst, state.number)
            await self._update(session, burst)
            state.unanswered = None
        return position

    def _forget_idle(self) -> None:
        """Of sessions that have all their answers nothing need be known: numbers grow over all of them."""
        if len(self._appending) >= _WRITING:
            for who, state in list(self._appending.items())[: _WRITING // 2]:
                if state.unanswered is None and not state.lock.locked():
                    del self._appending[who]

    async def _append(self, session: SessionRecord, burst: Burst, number: int) -> Position:
        key = Keys.stream(session.stream)
        fence = Keys.beside_stream(session.stream, f"append:{self._writer}:{session.stream_session_id}")
        at = await self.server.ask_one(
            key, "EVAL", APPEND, 2, key, fence, number, session.stream_session_id, burst.packed, self._expiry_ms
        )
        return position_of(at)

    async def _update(self, session: SessionRecord, burst: Burst) -> None:
        key = self.keys.session(session.identity)
        json = burst.session_json[-1].encode() if burst.session_json else None
        span = burst.time_range
        times = ("", "") if span is None else (span.start, span.end)
        has_json = int(json is not None)
        await self.server.ask_one(
            key, "EVAL", UPDATE, 1, key, session.stream_session_id, has_json, json or b"", *times, self._expiry_ms
        )

    # ---- sessions

    async def find(self, identity: str) -> SessionRecord | None:
        return (await self.find_all([identity])).get(identity)

    async def find_all(self, identities: Collection[str]) -> dict[str, SessionRecord]:
        commands = {identity: ("HGETALL", self.keys.session(identity)) for identity in identities}
        if self.server.is_cluster:  # each may be on another server
            replies = [(await self.server.ask(command[1], command))[0] for command in commands.values()]
        else:
            replies = await self.server.ask(None, *commands.values())
        return {r.identity: r for r in await self._records(zip(commands, replies, strict=True))}

    async def sessions(self) -> list[SessionRecord]:
        return await self._records(await self._directory.ask_each("HGETALL"))

    async def forget(self, record: SessionRecord) -> bool:
        key = self.keys.session(record.identity)
        until = record.last_updated + 1
        return bool(await self.server.ask_one(key, "EVAL", FORGET, 1, key, record.stream_session_id, until))

    async def _records(self, answers: Iterable[tuple[str, Reply]]) -> list[SessionRecord]:
        found = [await self._inspected(self._record(identity, reply)) for identity, reply in answers]
        return [record for record in found if record is not None]

    async def _inspected(self, record: SessionRecord | None) -> SessionRecord | None:
        """The record, with what is in its JSON if that is large. None: it may not be so large."""
        if record is None or record.json is None or len(record.json) <= SMALL:
            return record
        text, known = record.json, self._large.get(record.identity)
        if known is None or known[0] != (len(text), hash(text)):
            try:
                seen = await inspect_large(text, self._limits.json)
            except MalformedError as e:
                self._report.malformed(f"session {record.identity!r}", e.kind, str(e))
                return None
            if len(self._large) >= _WRITING:
                self._large.clear()
            known = self._large[record.identity] = (len(text), hash(text)), seen
        return evolve(record, inspected=known[1])

    def _record(self, identity: str, reply: Reply) -> SessionRecord | None:
        if isinstance(reply, ServerError) and reply.code == "WRONGTYPE":
            self._report.malformed(f"session {identity!r}", "session", "its key is not a hash")
            return None
        fields = as_mapping(good(reply))
        if not fields:
            return None
        try:
            return read_record(identity, fields)
        except MalformedError as e:
            self._report.malformed(f"session {identity!r}", e.kind, str(e))
            return None

    # ---- configurations

    async def publish(self, identifier: str, text: str) -> None:
        key = Keys.configuration(identifier)
        await self.server.ask_one(key, "SET", key, text.encode(), "PX", self._expiry_ms)

    async def configuration(self, identifier: str) -> str | None:
        key = Keys.configuration(identifier)
        # Whoever reads it needs it: it stays for as long again.
        found, _ = good(await self.server.ask(key, ("GET", key), ("PEXPIRE", key, self._expiry_ms)))
        return None if found is None else found.decode()

    # ---- reading

    async def head(self, stream: str) -> Position:
        key = Keys.stream(stream)
        edges = Edges.read(await self.server.ask_one(key, "EVAL", EDGES, 1, key))
        self._anchors.note(stream, edges)
        return edges.last

    async def last_data(
        self, stream: str, session_id: StreamSessionId, after: Position, upto: Position
    ) -> Position | None:
        await trio.lowlevel.checkpoint()
        return await find_last_data(self.server, stream, session_id, after, upto, self._entries)

    async def read(self, stream: str, after: Position, upto: Position, max_bytes: int) -> Batch:
        if after >= upto:
            await trio.lowlevel.checkpoint()
            return Batch([], max(after, upto))
        entries: list[Entry] = []
        size, lost, position = 0, False, after
        while position < upto and size <= max_bytes:
            room = (max_bytes - size) / self._burst_size.get(stream, _TYPICAL)
            raw, gap, more = await self._range(stream, position, upto, max(1, min(int(room * 1.2) + 1, _MOST)))
            if gap and position != after:
                break  # trimmed between two looks: the next read will say so
            lost = lost or gap
            seen = total = 0
            for found in self._entries.read(stream, raw):
                entry = await self._entries.complete(stream, found)
                if entry is None:
                    continue
                seen, total = seen + 1, total + entry.burst.raw_size
                self._burst_size[stream] = max(total / seen, 1.0)
                size += entry.burst.raw_size
                if entries and size > max_bytes:
                    return Batch(entries, entries[-1].position, lost)
                entries.append(entry)
            position = position_of(raw[-1][0]) if more else upto
        return Batch(entries, position, lost)

    async def _range(
        self, stream: str, after: Position, upto: Position, count: int
    ) -> tuple[Sequence[RawEntry], bool, bool]:
        """The next entries, whether some before them are gone, and whether there may be more behind them."""
        key = Keys.stream(stream)
        *_, answers = await self.server.ask(
            key,
            ("MULTI",),
            ("EVAL", EDGES, 1, key),
            ("XRANGE", key, str(after.after()), str(upto), "COUNT", count),
            ("EXEC",),
        )
        seen, raw = good(good(answers))
        edges = Edges.read(seen)
        lost = was_lost(after, edges, self._anchors.count(stream, after))
        self._anchors.note(stream, edges)
        return raw, lost, len(raw) >= count

    def follow(self, stream: str, after: Position) -> AbstractAsyncContextManager[RedisTail]:
        return self._multiplexer.follow(stream, after)

    async def claim(self, stream: str, owner: str, ttl: float) -> bool:
        key = Keys.claim(stream)
        return bool(await self.server.ask_one(key, "EVAL", CLAIM, 1, key, encoded(owner), math.ceil(ttl * 1000)))

    async def release(self, stream: str, owner: str) -> None:
        key = Keys.claim(stream)
        await self.server.ask_one(key, "EVAL", RELEASE, 1, key, encoded(owner))

    async def now(self) -> int:
        seconds, micros = await self.server.ask_one(None, "TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    # ---- upkeep

    async def trim(self, keep: Trim) -> int:
        return await self._upkeep.round(keep, await self.now())


@asynccontextmanager
async def open_log(options: RedisLogOptions, context: Context) -> AsyncIterator[RedisLog]:
    """A log whose server need not be there yet."""
    server = Server(options, context.folder)
    anchors = Anchors()
    limits = SizeLimits(json=context.session_json)
    entries = EntryReader(context.report, limits)
    multiplexer = XReadMultiplexer(server, anchors, entries)
    watch = CertificateExpiry(options, context).watch
    certificate = started_in_background(watch) if options.encrypted else nullcontext()
    try:
        async with in_background(server.keep_topology), started_in_background(multiplexer.run), certificate:
            yield RedisLog(server, multiplexer, anchors, entries, options, context.report, limits)
    finally:
        server.close()
