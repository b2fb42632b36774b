"""What is recorded of a session, as bursts, up to one flush point."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rta.client.data import open_data
from rta.wire import ChannelId, make_burst
from rta.wire.burst import Burst, data_item
from rta.wire.chunks import Chunk, DataKind, read_chunk

__all__ = ["read_recorded"]

_MOST_ITEMS = 1 << 13  # of a burst
_MOST_CHANNELS = 1024  # that are named; of more all come


async def read_recorded(
    base: str,
    identity: str,
    channels: Collection[ChannelId] | None,
    start: int,
    silence: float,
    receive: Callable[[Burst], None],
) -> str | None:
    """Read all kinds of data of a session. The text of the flush point up to which each of them has come; None: the
    service has no archive, and nothing has come.

    `channels`: these only, and no events; None: everything. `start`: ns since the Unix epoch; what comes is rounded
    outwards to whole chunks. `receive` gets the data, in no order of channels.

    :raises NotConnectedError: an answer breaks off.
    :raises RtaError: the service refuses it.
    """
    named = "-" if channels is None or len(channels) > _MOST_CHANNELS else ",".join(f"{c:X}" for c in sorted(channels))
    point: str | None = None
    for kind in DataKind:
        if kind is DataKind.EVENTS and channels is not None:
            continue
        async with open_data(base, identity, kind, named, start=start, upto=point, silence=silence) as answer:
            point = point or answer.flush_point
            if point is None:
                return None
            while chunks := await answer.next():
                for chunk in chunks:
                    _unpack(chunk, receive)
    return point


def _unpack(chunk: Chunk, receive: Callable[[Burst], None]) -> None:
    items = read_chunk(chunk)
    for first in range(0, len(items), _MOST_ITEMS):
        receive(make_burst([data_item(item) for item in items[first : first + _MOST_ITEMS]]))
