"""A bus that behaves, for tests to spoil."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio
from rta_transports.memory import MemoryTopics

from rta.testing import TopicBusContract

__all__ = ["Kit", "Wrapped", "WrappedSubscription"]


class Wrapped:
    """A memory bus with something changed."""

    def __init__(self, broker=None):
        self.bus = MemoryTopics(broker=broker)

    @property
    def trouble(self):
        return self.bus.trouble

    def connect(self, client_id, will=None):
        return self.bus.connect(client_id, will)

    async def link(self, after=0):
        return await self.bus.link(after)

    def send(self, topic, payload, **how):
        self.bus.send(topic, payload, **how)

    async def publish(self, topic, payload, **how):
        self.send(topic, payload, **how)
        await trio.lowlevel.checkpoint()

    def subscribe(self, *filters, bound=1024):
        return self.bus.subscribe(*filters, bound=bound)


class WrappedSubscription:
    def __init__(self, subscription):
        self.subscription = subscription

    @property
    def dropped(self):
        return self.subscription.dropped

    async def receive(self):
        return await self.subscription.receive()


class Kit(TopicBusContract):
    def __init__(self, bus=Wrapped):
        self.bus = bus

    @asynccontextmanager
    async def make_bus(self):
        yield self.bus()

    @asynccontextmanager
    async def make_again(self, bus):
        yield self.bus(bus.bus.broker)

    async def sever(self, bus):
        bus.bus.cut()
        bus.bus.mend()

    @asynccontextmanager
    async def outage(self, bus):
        bus.bus.cut()
        yield
        bus.bus.mend()
