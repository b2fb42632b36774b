"""A subscription that is kept up: refusals, losses, and what it does about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from rta_transports.memory import MemoryTopics
from trio.testing import wait_all_tasks_blocked

from rta.errors import UndeliverableError
from rta.health import Health
from rta.ports import TopicMessage, TopicSubscription
from rta.subscriber import Subscriber


class Refusing(MemoryTopics):
    """Refuses so many subscriptions, then lets in."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.made = 0

    @asynccontextmanager
    async def subscribe(self, *filters: str, bound: int = 1024) -> AsyncIterator[TopicSubscription]:
        if self.times:
            self.times -= 1
            raise UndeliverableError("not allowed")
        self.made += 1
        async with super().subscribe(*filters, bound=bound) as subscription:
            yield subscription


async def test_a_refused_subscription_is_asked_for_again_and_health_says_why(autojump_clock):
    bus, health, got = Refusing(2), Health(), []
    subscriber = Subscriber(
        bus, ("a/#",), lambda message: got.append(message.payload), lambda count: None, health=health
    )
    async with trio.open_nursery() as nursery, bus.connect("x"):
        nursery.start_soon(subscriber.run)
        await trio.sleep(5)
        assert health.reasons == ["subscription to a/#: not allowed"]
        await trio.sleep(20)
        assert health.healthy
        await bus.publish("a/b", b"1")
        await wait_all_tasks_blocked()
        assert got == [b"1"]
        nursery.cancel_scope.cancel()


async def test_health_is_good_again_when_it_is_cancelled(autojump_clock):
    bus, health = Refusing(99), Health()
    subscriber = Subscriber(bus, ("a",), lambda message: None, lambda count: None, health=health)
    with trio.move_on_after(5):
        await subscriber.run()
    assert health.healthy


async def test_a_required_one_that_is_refused_at_first_raises(autojump_clock):
    subscriber = Subscriber(Refusing(1), ("a",), lambda message: None, lambda count: None)
    with pytest.raises(UndeliverableError, match="not allowed"):
        await subscriber.run(required=True)


@pytest.mark.parametrize("renew_after", [None, 0.0])
async def test_what_is_lost_at_the_bound_is_counted_once_and_brought_again_only_by_a_new_subscription(
    autojump_clock, renew_after
):
    bus, got, lost = Refusing(0), [], []
    subscriber = Subscriber(
        bus, ("a/#",), lambda message: got.append(message.topic), lost.append, bound=5, renew_after=renew_after
    )
    async with trio.open_nursery() as nursery, bus.connect("x"):
        await nursery.start(subscriber.run)
        for i in range(20):
            bus.send(f"a/{i}", b"1", retain=True)
        await trio.sleep(1)
        assert sum(lost) == 15
        assert set(got) == {f"a/{i}" for i in range(5 if renew_after is None else 20)}
        assert bus.made == (1 if renew_after is None else 2)
        nursery.cancel_scope.cancel()


async def test_a_handler_that_waits_is_waited_for(autojump_clock):
    bus, got = MemoryTopics(), []

    async def handle(message: TopicMessage) -> None:
        await trio.sleep(1)
        got.append((message.payload, trio.current_time()))

    async with trio.open_nursery() as nursery, bus.connect("x"):
        await nursery.start(Subscriber(bus, ("a",), handle, lambda count: None).run)
        start = trio.current_time()
        bus.send("a", b"1")
        bus.send("a", b"2")
        await trio.sleep(3)
        assert got == [(b"1", start + 1), (b"2", start + 2)]
        nursery.cancel_scope.cancel()
