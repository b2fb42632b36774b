"""The bus over MQTT keeps the contract of every bus, with a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from buses import bus_to
from cable import Cable, cable_to
from real_servers import Mosquitto

from rta.ports import TopicBus
from rta.testing import TopicBusContract

pytestmark = pytest.mark.processes


class TestOnMosquitto(TopicBusContract):
    @pytest.fixture(autouse=True)
    def _broker(self) -> Iterator[None]:
        with Mosquitto("max_queued_messages 10000") as self.broker:
            self.cables: dict[TopicBus, Cable] = {}
            yield

    @asynccontextmanager
    async def make_bus(self) -> AsyncIterator[TopicBus]:
        async with cable_to(self.broker.port) as cable, bus_to(cable.port) as bus:
            self.cables[bus] = cable
            yield bus

    def make_again(self, bus: TopicBus):
        return self.make_bus()

    async def sever(self, bus: TopicBus) -> None:
        self.cables[bus].cut()

    @asynccontextmanager
    async def outage(self, bus: TopicBus) -> AsyncIterator[None]:
        cable = self.cables[bus]
        link = await self.linked(bus)
        cable.down = True
        cable.cut()
        await self.lost(link)
        yield
        cable.down = False
