"""What a bus's author tells the kit, and how the kit receives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from rta.ports import TopicBus, TopicMessage, TopicSubscription
from rta.testing.patience import within

__all__ = ["END", "BusUnderTest"]

END = "the/end"
"""What the kit publishes last; everything sent before has arrived once this has."""


class BusUnderTest:
    """The hooks of `TopicBusContract`. Only `open_bus` has to be overridden."""

    pytestmark = pytest.mark.trio

    patience: float = 10.0
    """Real seconds after which what has not come is taken never to come."""

    dollar_topics: bool = True
    """Whether clients may publish to topics that begin with `$`."""

    max_payload: int = 64 << 10
    """The largest payload the kit sends, bytes."""

    def open_bus(self) -> AbstractAsyncContextManager[TopicBus]:
        """A bus without retained messages."""
        raise NotImplementedError(f"{type(self).__name__} must say how to open its bus")

    @asynccontextmanager
    async def open_again(self, bus: TopicBus) -> AsyncIterator[TopicBus]:
        """The same topics as another process would have them: its own connection. Default: the bus itself."""
        yield bus

    def outage(self, bus: TopicBus) -> AbstractAsyncContextManager[None] | None:
        """The bus cannot be reached inside this block. Default, None: it always can."""
        return None

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
