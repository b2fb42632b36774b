"""The conformance kit of the `TopicBus` port: what every bus must do, whatever carries its messages.

    class TestMyBus(TopicBusContract):
        @asynccontextmanager
        async def open_bus(self) -> AsyncIterator[TopicBus]:
            async with my_empty_broker() as address:
                yield MyBus(address)

That a message does *not* arrive is shown by one sent later that does: nothing waits for time to pass.
"""

from __future__ import annotations

from rta.testing.bus_delivery import Delivery
from rta.testing.bus_retaining import Retaining
from rta.testing.bus_topics import Topics

__all__ = ["TopicBusContract"]


class TopicBusContract(Delivery, Retaining, Topics):
    """Subclass it, override `open_bus`, and where it applies the other hooks of `BusUnderTest`."""
