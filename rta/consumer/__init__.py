"""The consumer's side of streams over topics: watch nodes, start streams, send commands, fetch history. For programs on
Trio.

    async with open_bus(host="broker.example") as bus, open_consumer(bus, "tmc") as consumer:
        await consumer.connected(timeout=5)
        async with consumer.watch("dk/cph/+") as watch:
            await consumer.start("dk/cph/tlc-1", "tlc.groups", "live")
            async for event in watch:
                ...

`open_bus` takes the settings of a site's `[topics]` table by name, or a finished options object of the transport
(`open_bus("mqtt", options)`); any other `TopicBus` does as well, and is used by one consumer at a time. What a watch
knows is in `watch.nodes`: values are merged, `RemoteStream.value_at` is by path, a tuple such as `("rpm",)` or
`("group", "sg/1")`.
"""

from rta.consumer.bus import open_bus
from rta.consumer.consumer import Consumer, open_consumer
from rta.consumer.events import (
    AlarmChanged,
    AlarmEntry,
    EntriesReceived,
    Event,
    GapEvent,
    GapFound,
    GapHealed,
    HistoryPage,
    HistoryReceived,
    PresenceChanged,
    RemoteNodeEvent,
    RemoteStreamEvent,
    ReplayReceived,
    State,
    StatusEntry,
    StatusReceived,
    StreamChanged,
)
from rta.consumer.fetch import Fetch
from rta.consumer.gaps import Gap
from rta.consumer.picture import RemoteAlarm, RemoteNode
from rta.consumer.reading import CommandError
from rta.consumer.stream import RemoteStream
from rta.consumer.values import Path
from rta.consumer.watch import Watch

__all__ = [
    "AlarmChanged",
    "AlarmEntry",
    "CommandError",
    "Consumer",
    "EntriesReceived",
    "Event",
    "Fetch",
    "Gap",
    "GapEvent",
    "GapFound",
    "GapHealed",
    "HistoryPage",
    "HistoryReceived",
    "Path",
    "PresenceChanged",
    "RemoteAlarm",
    "RemoteNode",
    "RemoteNodeEvent",
    "RemoteStream",
    "RemoteStreamEvent",
    "ReplayReceived",
    "State",
    "StatusEntry",
    "StatusReceived",
    "StreamChanged",
    "Watch",
    "open_bus",
    "open_consumer",
]
