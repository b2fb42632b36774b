"""Entries and hashes with large session JSON: in order, within limits, and nobody waits for what is refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from real_servers import RedisServer
from rta_transports.redis import RedisLogOptions
from rta_transports.redis.entries import DeferredEntry, EntryReader
from rta_transports.redis.log import RedisLog, open_log
from rta_transports.redis.tail import ReadEntries, RedisTail

from rta.ports import START, Batch, Context, Entry, Position
from rta.testing.bursts import json_burst, numbered_burst, session_json
from rta.wire import Burst, Event, SizeLimits, TimeRange, data_item, make_burst, pack, range_item, reader
from rta.wire._pb.stream_pb2 import StreamData, StreamDataBurst
from rta.wire.json_text import SESSION_LIMITS, JsonLimits
from rta.wire.session_json import Glance

HOSTILE = '{"identity":"a","x":[' + "{}," * 600_000 + "{}]}"
DEEP = '{"identity":"a","x":' + "[" * 2000 + "]" * 2000 + "}"
MEDIUM = session_json("a", details={"x": "y" * 5000})
LARGE = session_json("a", details={"x": "y" * 2_000_000})


class Told:
    """A reporter that remembers the kinds of what was left out."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.kinds.append(kind)

    def notice(self, source: str, kind: str, detail: str) -> None: ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None: ...

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...


def raw(*bursts: Burst) -> list[tuple[bytes, list[bytes]]]:
    return [(b"1-%d" % n, [b"id", b"1", b"data", burst.packed]) for n, burst in enumerate(bursts, 1)]


def tail_of(told: Told, *reads: Sequence[Burst], lost: bool = False) -> RedisTail:
    """A tail for which these were read, one after the other."""
    entry_reader = EntryReader(told, SizeLimits())
    tail = RedisTail("s", START, entry_reader.complete)
    for n, bursts in enumerate(reads, 1):
        entries = entry_reader.read("s", [(name.replace(b"1-", b"%d-" % n), f) for name, f in raw(*bursts)])
        tail.put(ReadEntries(entries, Position(n, len(bursts)), lost), 0)
    return tail


async def batches(tail: RedisTail, end: Position) -> list[Batch]:
    found: list[Batch] = []
    while not found or found[-1].position < end:
        found.append(await tail.next())
    return found


def positions(found: Sequence[Batch]) -> list[Position]:
    return [entry.position for batch in found for entry in batch.entries]


async def test_small_entries_come_as_one_batch() -> None:
    tail = tail_of(Told(), [numbered_burst(1), json_burst(session_json("a"))], [numbered_burst(2)])
    (batch,) = await batches(tail, Position(2, 1))
    assert positions([batch]) == [Position(1, 1), Position(1, 2), Position(2, 1)]


@pytest.mark.parametrize("text", [MEDIUM, pytest.param(LARGE, marks=pytest.mark.processes)], ids=["medium", "large"])
async def test_an_entry_that_is_completed_keeps_its_place(text: str) -> None:
    bursts = [numbered_burst(1), json_burst(text), json_burst(text), numbered_burst(2)]
    told = Told()
    found = await batches(tail_of(told, bursts, [numbered_burst(3)]), Position(2, 1))
    assert positions(found) == [Position(1, 1), Position(1, 2), Position(1, 3), Position(1, 4), Position(2, 1)]
    assert [len(batch.entries) for batch in found] == [1, 1, 1, 2]
    assert found[1].entries[0].burst.session_json == (text,)
    assert [seen.identity for seen in found[1].entries[0].burst.inspected or ()] == ["a"]
    assert told.kinds == []


@pytest.mark.parametrize("text", [HOSTILE, DEEP], ids=["items", "depth"])
async def test_an_entry_over_the_limits_is_left_out_and_the_others_come(text: str) -> None:
    told = Told()
    bursts = [json_burst(text), numbered_burst(1), json_burst(text)]
    found = await batches(tail_of(told, bursts, lost=True), Position(1, 3))
    assert positions(found) == [Position(1, 2)]
    assert told.kinds == ["oversize", "oversize"]
    assert [batch.lost for batch in found] == [True, False, False]
    assert found[-1].position == Position(1, 3)


async def test_who_is_cancelled_while_an_entry_is_completed_gets_it_later() -> None:
    told = Told()
    tail = tail_of(told, [numbered_burst(1), json_burst(MEDIUM), numbered_burst(2)], lost=True)
    found: list[Batch] = []
    while not found or found[-1].position < Position(1, 3):
        with trio.move_on_after(0) as scope:
            await tail.next()
        assert scope.cancelled_caught
        found.append(await tail.next())
    assert positions(found) == [Position(1, 1), Position(1, 2), Position(1, 3)]
    assert [batch.lost for batch in found] == [True, False, False]


def test_small_entries_are_read_at_once() -> None:
    entries = EntryReader(Told(), SizeLimits()).read("s", raw(numbered_burst(1), json_burst(session_json("a"))))
    assert all(isinstance(entry, Entry) for entry in entries)


def test_what_is_large_is_not_even_unpacked_at_once() -> None:
    (entry,) = EntryReader(Told(), SizeLimits()).read("s", raw(json_burst(LARGE)))
    assert isinstance(entry, DeferredEntry)
    assert entry.burst is None


# ---- with a Redis


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@asynccontextmanager
async def log_of(redis: RedisServer, told: Told, limits: JsonLimits = SESSION_LIMITS) -> AsyncIterator[RedisLog]:
    context = Context("buffer", Path(), time.time_ns, told, session_json=limits)
    async with open_log(RedisLogOptions(url=redis.url), context) as log:
        yield log


@pytest.mark.processes
async def test_a_log_is_read_past_what_is_refused(redis: RedisServer) -> None:
    told = Told()
    async with log_of(redis, told) as log:
        session = await log.open_session("a", "s")
        for burst in (numbered_burst(1), json_burst(HOSTILE), json_burst(LARGE), numbered_burst(2)):
            last = await log.append(session, burst)
        batch = await log.read("s", START, last, 100 << 20)
        assert [e.burst.session_json for e in batch.entries] == [(), (LARGE,), ()]
        assert batch.position == last
        first = await log.read("s", START, last, 1000)
        assert len(first.entries) == 1
        assert first.position < last
    assert set(told.kinds) == {"oversize"}


@pytest.mark.processes
async def test_a_record_says_what_is_in_its_large_json_and_is_left_out_over_the_limits(redis: RedisServer) -> None:
    told = Told()
    async with log_of(redis, told) as log:
        for identity, text in (("a", LARGE), ("b", HOSTILE), ("c", session_json("c"))):
            await log.append(await log.open_session(identity, "s"), json_burst(text))
        found = {record.identity: record for record in await log.sessions()}
        assert found.keys() == {"a", "c"}
        assert (await log.find("a")) == found["a"]
        seen = found["a"].inspected
        assert isinstance(seen, Glance)
        assert seen.identity == "a"
        assert found["c"].inspected is None
        assert await log.find("b") is None
    assert set(told.kinds) == {"oversize"}


@pytest.mark.processes
async def test_the_limits_are_those_that_the_site_gives(redis: RedisServer) -> None:
    told = Told()
    async with log_of(redis, told, JsonLimits(20_000, 100_000, 3)) as log:
        session = await log.open_session("a", "s")
        longer = session_json("a", details={"x": "y" * 25_000})
        deeper = session_json("a", details={"x": [[[["y" * 3000]]]]})
        for text in (MEDIUM, longer, deeper, MEDIUM):
            last = await log.append(session, json_burst(text))
        batch = await log.read("s", START, last, 1 << 20)
    assert [entry.burst.session_json for entry in batch.entries] == [(MEDIUM,), (MEDIUM,)]
    assert told.kinds == ["oversize", "oversize"]


async def test_what_would_take_long_to_parse_is_parsed_one_by_one_and_keeps_its_place() -> None:
    events = data_item(Event(status_text="x" * 100_000))
    bursts = [make_burst([events, range_item(TimeRange(n, n))]) for n in range(6)]
    entries = EntryReader(Told(), SizeLimits()).read("s", raw(*bursts))
    assert [isinstance(entry, DeferredEntry) for entry in entries] == [False, False, True, True, True, True]
    told = Told()
    found = await batches(tail_of(told, bursts), Position(1, 6))
    assert positions(found) == [Position(1, n) for n in range(1, 7)]
    assert [entry.burst.time_range for batch in found for entry in batch.entries] == [TimeRange(n, n) for n in range(6)]
    assert told.kinds == []


async def test_of_bursts_that_are_refused_few_are_parsed_in_a_row() -> None:
    refused = Burst(
        pack(StreamDataBurst(data=[StreamData(event=Event())] * 40_000).SerializeToString()), 0, (), None, False, False
    )
    told = Told()
    entries = EntryReader(told, SizeLimits()).read("s", raw(*[refused] * 5))
    assert told.kinds == ["oversize"]
    assert len(entries) == 4
    tail = tail_of(told, [refused] * 5)
    await batches(tail, Position(1, 5))
    assert told.kinds == ["oversize"] * 6


async def test_of_large_bursts_few_are_unpacked_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[bytes] = []

    def unpack(block: bytes, limit: int) -> bytes:
        unpacked.append(block)
        return real(block, limit)

    real = reader.unpack
    monkeypatch.setattr(reader, "unpack", unpack)
    large = make_burst([data_item(Event(status_text="x" * 1_000_000))])
    entries = EntryReader(Told(), SizeLimits()).read("s", raw(*[large] * 20))
    assert all(isinstance(entry, DeferredEntry) for entry in entries)
    assert len(entries) == 20
    assert len(unpacked) == 8
