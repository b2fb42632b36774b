"""A node that is not one of ours, written down byte for byte as one behaves that is built on the public implementation.

- It knows no command of ours.
- It publishes the state of an unnamed stream as that of `default`, and listens for it without a name.
- Its full update comes before the state at a start. A start of what runs, and a stop of what does not, say nothing.
- It counts on while a stream is stopped, so that no run but the first begins with 1.
- It clears what is retained by a CBOR null. Its timestamps have microseconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from rta.ports import TopicBus, TopicMessage, Will

__all__ = ["NODE", "ForeignNode"]

NODE = "dk/cph/tlc-7"

ONLINE, OFFLINE, SHUTDOWN = b"\x66online", b"\x67offline", b"\x68shutdown"
RUNNING, STOPPED = b"\xa1\x65state\x67running", b"\xa1\x65state\x67stopped"
NULL = b"\xf6"
START, STOP = b"\x65start", b"\x64stop"  # the value of "action"


class ForeignNode:
    """Has the stream `live` of tlc.groups, off at first, and the unnamed one of tlc.plan, which is on."""

    def __init__(self, bus: TopicBus) -> None:
        self.bus = bus
        self.asked: list[tuple[str, bytes]] = []
        """What came on its topics, below its id."""
        self.running = {"tlc.groups/live": False, "tlc.plan": True}
        self.seq = dict.fromkeys(self.running, 0)
        self._second = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Connected, and all of it announced."""
        filters = [f"{NODE}/{kind}/#" for kind in ("command", "throttle", "fetch")]
        async with (
            self.bus.connect(NODE, Will(f"{NODE}/presence", OFFLINE)),
            self.bus.subscribe(*filters) as subscription,
            trio.open_nursery() as nursery,
        ):
            await self.bus.link()
            await self.bus.publish(f"{NODE}/presence", ONLINE, retain=True, qos=1)
            for stream, runs in self.running.items():
                if runs:
                    await self.full(stream)
                await self._say_state(stream)
            nursery.start_soon(self._obey, subscription)
            yield
            nursery.cancel_scope.cancel()

    async def full(self, stream: str) -> None:
        """A full update."""
        await self.bus.publish(f"{NODE}/status/{stream}", self._entry(stream), retain=True, qos=1)

    async def happen(self, stream: str) -> None:
        """A value changes. It is counted also while nothing is sent."""
        entry = self._entry(stream)
        if self.running[stream]:
            await self.bus.publish(f"{NODE}/status/{stream}", entry, qos=0)

    def throttled(self) -> list[str]:
        """The topics of starts and stops that came."""
        return [topic for topic, _ in self.asked if topic.startswith("throttle/")]

    def _entry(self, stream: str) -> bytes:
        self.seq[stream] += 1
        self._second += 1
        seq = bytes([self.seq[stream]]) if self.seq[stream] < 24 else bytes([0x18, self.seq[stream]])
        ts = b"\x78\x1b" + f"2026-11-28T09:{self._second // 60:02}:{self._second % 60:02}.123456Z".encode()
        return b"\xa1\x67entries\x81\xa3\x63seq" + seq + b"\x62ts" + ts + b"\x66values\xa1\x66status" + seq

    async def _say_state(self, stream: str) -> None:
        topic = stream if "/" in stream else f"{stream}/default"
        payload = RUNNING if self.running[stream] else STOPPED
        await self.bus.publish(f"{NODE}/channel/{topic}", payload, retain=True, qos=1)

    async def _obey(self, subscription) -> None:
        while True:
            message: TopicMessage = await subscription.receive()
            topic = message.topic.removeprefix(f"{NODE}/")
            self.asked.append((topic, message.payload))
            stream = topic.removeprefix("throttle/")
            if stream == topic or stream not in self.running:
                continue
            starts = START in message.payload
            if starts is self.running[stream]:
                continue
            if starts:
                self.running[stream] = True
                await self.full(stream)
            else:
                await self.bus.publish(f"{NODE}/status/{stream}", NULL, retain=True, qos=1)
                self.running[stream] = False
            await self._say_state(stream)
