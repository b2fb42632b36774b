"""The keeper looks at a connection when it is due, and at no other time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from rta.actors.connection_keeper import ConnectionKeeper
from rta.ports import ANYBODY

PING, STALL = 20.0, 60.0


class Link:
    """A connection as the keeper sees it; it counts how often it is looked at."""

    def __init__(self) -> None:
        self.peer = self.identity = "x"
        self.subject = ANYBODY
        self.heard = self.moved = trio.current_time()
        self.looks = 0
        self.pings: list[float] = []
        self.aborted: float | None = None
        self.full = False

    @property
    def free(self) -> bool:
        self.looks += 1
        return not self.full

    def ping(self) -> None:
        if not self.full:
            self.pings.append(trio.current_time())

    def abort(self) -> None:
        self.aborted = self.aborted or trio.current_time()


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


@contextmanager
def kept(keeper: ConnectionKeeper, n: int) -> Iterator[list[Any]]:
    with ExitStack() as stack:
        clients = [SimpleNamespace(link=Link(), pinged=trio.current_time(), ended="left") for _ in range(n)]
        for client in clients:
            stack.enter_context(keeper.keeping(client))  # type: ignore[arg-type]
        yield clients


def keeper() -> ConnectionKeeper:
    hub: Any = SimpleNamespace(feeds=[], settings=SimpleNamespace(linger=5.0))
    return ConnectionKeeper(hub, PING, STALL)


async def run_for(keeper: ConnectionKeeper, seconds: float) -> None:
    with trio.move_on_after(seconds):
        await keeper.run()


async def test_whoever_is_quiet_is_pinged_within_the_interval_and_again(autojump_clock: MockClock) -> None:
    made = keeper()
    with kept(made, 3) as clients:
        await run_for(made, 110)
        for client in clients:
            gaps = [b - a for a, b in zip([0.0, *client.link.pings], client.link.pings, strict=False)]
            assert len(gaps) >= 5
            assert all(0.7 * PING <= gap <= PING + 0.1 for gap in gaps)


async def test_pings_of_clients_that_came_together_are_spread(autojump_clock: MockClock) -> None:
    made = keeper()
    with kept(made, 1000) as clients:
        await run_for(made, PING + 1)
        at = sorted(client.link.pings[0] for client in clients)
        most = max(sum(1 for t in at if start <= t < start + 0.1) for start in at[::50])
        assert most <= 30  # 1000 in the last quarter of the interval are 20 in 0.1 s


async def test_a_connection_that_says_nothing_is_looked_at_only_when_it_is_due(autojump_clock: MockClock) -> None:
    made = keeper()
    with kept(made, 100) as clients:
        await run_for(made, 60)
        assert all(client.link.looks <= 4 for client in clients)


async def test_a_client_that_is_heard_is_not_pinged(autojump_clock: MockClock) -> None:
    made = keeper()

    async def talk(link: Link) -> None:
        while True:
            await trio.sleep(PING / 2)
            link.heard = trio.current_time()

    with kept(made, 1) as (client,):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk, client.link)
            await run_for(made, 200)
            nursery.cancel_scope.cancel()
        assert client.link.pings == []


@pytest.mark.parametrize("blocked_at", [1.0, 19.0, 55.0, 59.9])
async def test_one_that_takes_nothing_is_dropped_when_its_time_is_over(
    autojump_clock: MockClock, blocked_at: float
) -> None:
    made = keeper()

    async def block(link: Link) -> None:
        await trio.sleep(blocked_at)
        link.full, link.moved = True, trio.current_time()

    with kept(made, 1) as (client,):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(block, client.link)
            await run_for(made, 200)
        assert client.link.aborted == pytest.approx(blocked_at + STALL, abs=0.1)
        assert client.ended == "stalled"


async def test_who_has_left_is_forgotten(autojump_clock: MockClock) -> None:
    made = keeper()
    with kept(made, 5):
        assert len(made) == 5
    assert (len(made), list(made)) == (0, [])
    await run_for(made, 100)
