"""A broker that says what a test wants it to say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from rta_transports.mqtt.packets import PacketReader

__all__ = ["CONNACK", "Guest", "pretender"]

CONNACK = b"\x20\x03\x00\x00\x00"


class Guest:
    """Somebody who has connected."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._reader = PacketReader(1 << 20)
        self._packets: list[bytes] = []

    @property
    def waiting(self) -> int:
        """Packets that have come and were not asked for."""
        return len(self._packets)

    async def packet(self) -> bytes | None:
        """The next; None: they have left."""
        while not self._packets:
            try:
                data = await self.stream.receive_some()
            except trio.BrokenResourceError:
                return None
            if not data:
                return None
            self._packets += self._reader.feed(data)
        return self._packets.pop(0)

    async def packets(self, kind: int) -> AsyncIterator[bytes]:
        """All of a kind, as in `0x30`, until they leave."""
        while (packet := await self.packet()) is not None:
            if packet[0] & 0xF0 == kind:
                yield packet

    async def say(self, packet: bytes) -> None:
        await self.stream.send_all(packet)


@asynccontextmanager
async def pretender(behave: Callable[[Guest], Awaitable[None]]) -> AsyncIterator[int]:
    """Its port. Whoever connects is treated as `behave` says, and let go afterwards."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            await behave(Guest(stream))

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()
