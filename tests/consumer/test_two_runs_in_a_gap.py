"""A stream that began anew while we were away: its numbers are there twice, and every entry comes all the same."""

from __future__ import annotations

import pytest
import trio
from rta_transports.memory import MemoryTopics
from trio.testing import MockClock

from rta.consumer import HistoryReceived, StatusEntry, StatusReceived, open_consumer
from rta.consumer.stream import RemoteStream
from rta.consumer.values import Allowance

from .fake_node import NODE, FakeNode, at, entry

MISSED = [(n, n) for n in range(4, 21)] + [(n, 20 + n) for n in range(1, 10)]
"""Number and second: the old run went on to 20, the new one is at 10 when we are back."""


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


async def test_a_fetch_goes_on_when_the_numbers_are_all_there(autojump_clock):
    bus = MemoryTopics()
    heard: list[tuple[int | None, int]] = []
    async with (
        FakeNode(bus.broker).running() as node,
        open_consumer(bus, "tmc") as consumer,
        consumer.watch(NODE) as watch,
    ):
        await node.online()
        for n in (1, 2, 3):
            await node.status(entry(n))
        node.history = [entry(n) for n in (1, 2, 3)] + [entry(n, s) for n, s in [*MISSED, (10, 30)]]
        await node.status(entry(10, 30))
        with trio.move_on_after(60):
            async for event in watch:
                if isinstance(event, StatusReceived | HistoryReceived):
                    heard += [(e.seq, e.ts) for e in event.entries]
    wanted = [(n, at(n)) for n in (1, 2, 3)] + [(n, at(s)) for n, s in [*MISSED, (10, 30)]]
    assert sorted(heard, key=lambda e: e[1]) == wanted


def test_a_replay_of_what_was_fetched_in_part_brings_the_rest():
    stream = RemoteStream("car.engine", "live", Allowance())
    entries = [StatusEntry(at(n), n) for n in range(4, 1001)] + [StatusEntry(at(1000 + n), n) for n in range(1, 500)]
    stream.live([StatusEntry(at(3), 3)], False, at(3))
    stream.live([StatusEntry(at(1500), 500)], False, at(1500))
    found = stream.late(entries[:500], "history", at(1500)).entries
    found += stream.late(entries, "replay", at(1500)).entries
    assert {(e.seq, e.ts) for e in entries} == {(e.seq, e.ts) for e in found}
