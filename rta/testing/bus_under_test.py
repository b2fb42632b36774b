"""What a bus's author tells the kit, and how the kit connects and receives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from rta.ports import Link, TopicBus, TopicMessage, TopicSubscription, Will
from rta.testing.patience import within

__all__ = ["END", "BusUnderTest"]

END = "the/end"
"""What the kit publishes last; everything sent before has arrived once this has."""


class BusUnderTest:
    """The hooks of `TopicBusContract`. Override `make_bus`, `make_again` and `sever`; `outage` too if the bus goes over
    a network. The others have defaults: override them where they do not fit."""

    pytestmark = pytest.mark.trio

    patience: float = 60.0
    """Real seconds that the kit waits for something; a test that waits longer fails."""

    dollar_topics: bool = True
    """Whether clients may publish to topics that begin with `$`."""

    max_payload: int = 64 << 10
    """The largest payload the kit sends, bytes."""

    def make_bus(self) -> AbstractAsyncContextManager[TopicBus]:
        """A bus that nobody has connected yet, to topics of which none retains a message."""
        raise NotImplementedError(f"{type(self).__name__} must say how to make its bus")

    def make_again(self, bus: TopicBus) -> AbstractAsyncContextManager[TopicBus]:
        """Another bus to the same topics, as another process would have it."""
        raise NotImplementedError(f"{type(self).__name__} must say how to make another bus to the same topics")

    async def sever(self, bus: TopicBus) -> None:
        """Break the bus's connection, as a cut cable does, so that it can be made again."""
        raise NotImplementedError(f"{type(self).__name__} must say how to break a connection")

    def outage(self, bus: TopicBus) -> AbstractAsyncContextManager[None] | None:
        """The bus cannot be reached inside this block. Default, None: it always can."""
        return None

    @asynccontextmanager
    async def open_bus(self, client_id: str = "kit-1", will: Will | None = None) -> AsyncIterator[TopicBus]:
        """A bus, connected."""
        async with self.make_bus() as bus, self.connected(bus, client_id, will):
            yield bus

    @asynccontextmanager
    async def open_again(
        self, bus: TopicBus, client_id: str = "kit-2", will: Will | None = None
    ) -> AsyncIterator[TopicBus]:
        """Another bus to the same topics, connected."""
        async with self.make_again(bus) as other, self.connected(other, client_id, will):
            yield other

    @asynccontextmanager
    async def connected(self, bus: TopicBus, client_id: str, will: Will | None = None) -> AsyncIterator[Link]:
        """Inside the block the bus has had a connection."""
        async with bus.connect(client_id, will):
            yield await self.linked(bus)

    async def linked(self, bus: TopicBus, after: int = 0) -> Link:
        """The connection behind a number."""
        with within(self.patience, f"a connection with a number above {after}; {bus.trouble}"):
            return await bus.link(after)

    async def lost(self, link: Link) -> None:
        """Returns when the connection is over."""
        with within(self.patience, "the loss of the connection"):
            await link.lost.wait()

    async def severed(self, bus: TopicBus) -> Link:
        """Break the connection of a bus that has one; the next one."""
        link = await self.linked(bus)
        await self.sever(bus)
        await self.lost(link)
        return await self.linked(bus, link.number)

    async def receive(self, subscription: TopicSubscription, count: int = 1) -> list[TopicMessage]:
        """So many messages."""
        got: list[TopicMessage] = []
        with within(self.patience, f"message {len(got) + 1} of {count}"):
            while len(got) < count:
                got.append(await subscription.receive())
        return got

    async def up_to_end(self, bus: TopicBus, subscription: TopicSubscription) -> list[TopicMessage]:
        """Everything up to now; the subscription must have `END` among its filters."""
        await bus.publish(END, b"end")
        got: list[TopicMessage] = []
        with within(self.patience, "the last message"):
            while (message := await subscription.receive()).topic != END:
                got.append(message)
        return got
