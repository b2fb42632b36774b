"""The conformance kit of the `TopicBus` port: what every bus must do, whatever carries its messages.

    class TestMyBus(TopicBusContract):
        @asynccontextmanager
        async def make_bus(self) -> AsyncIterator[TopicBus]:
            async with my_empty_broker() as self.broker:
                yield MyBus(self.broker)

        @asynccontextmanager
        async def make_again(self, bus: TopicBus) -> AsyncIterator[TopicBus]:
            yield MyBus(self.broker)

        async def sever(self, bus: TopicBus) -> None:
            await self.broker.throw_out(bus)

That a message does *not* arrive is shown by one sent later that does: nothing waits for time to pass.
"""

from __future__ import annotations

from rta.testing.bus_connections import ConnectionChecks
from rta.testing.bus_delivery import DeliveryChecks
from rta.testing.bus_retaining import RetainChecks
from rta.testing.bus_sending import SendChecks
from rta.testing.bus_topics import TopicChecks

__all__ = ["TopicBusContract"]


class TopicBusContract(DeliveryChecks, RetainChecks, TopicChecks, SendChecks, ConnectionChecks):
    """Subclass it, override `make_bus`, `make_again` and `sever`, and where it applies the other hooks of
    `BusUnderTest`."""
