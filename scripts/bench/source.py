"""The source: sessions, and bursts for them once the gate says so."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define

from rta.ports import Context, OpenSession, SessionBurst, SourceUpdate, option
from rta.wire import Burst
from scripts.bench.gate import Gate, Slot
from scripts.bench.shapes import Maker

__all__ = ["POLL", "WAIT", "SourceOptions", "identity", "open_source"]

POLL = 0.002  # seconds between looks at the gate
WAIT = 0.0005  # the same for whoever waits for the slowest client


def identity(number: int) -> str:
    """The sessions that the sink asks for, from 1."""
    return f"bench-{number}"


@define
class SourceOptions:
    """Sessions, and bursts for them once the gate says so."""

    gate: Path = option("The file of the gate.")
    shape: str = option("Of the bursts.", "A")
    sessions: int = option("How many.", 1)
    bursts: int = option("How many, over all sessions in turn; 0: none.", 0)
    rate: float = option("Bursts per second over all sessions, stamped with the time; 0: as fast as it goes.", 0.0)
    window: int = option("Bursts the slowest client may be behind; 0: any number.", 0)


class BenchSource:
    """See `rta.ports.Source`."""

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._gate = Gate(options.gate)

    async def run(self, updates: trio.MemorySendChannel[SourceUpdate]) -> None:
        for k in range(self._options.sessions):
            await updates.send(OpenSession(identity(k + 1), _json(identity(k + 1))))
        maker = Maker(self._options.shape)
        flat_out = self._options.bursts if not self._options.rate else 0
        made = [maker.burst(i) for i in range(flat_out)]
        await trio.sleep(0.01)  # what was sent is in the log by then
        self._gate[Slot.READY] = 1
        while not self._gate[Slot.GO]:
            await trio.sleep(POLL)
        if self._options.rate:
            await self._paced(updates, maker)
        elif made:
            await self._flat_out(updates, made)
        await trio.sleep_forever()

    async def _flat_out(self, updates: trio.MemorySendChannel[SourceUpdate], bursts: list[Burst]) -> None:
        window = self._options.window
        self._gate[Slot.BEGUN] = time.time_ns()
        for sent, burst in enumerate(bursts):
            while window and sent - self._gate[Slot.SLOWEST] >= window:
                await trio.sleep(WAIT)
            await updates.send(SessionBurst(identity(1), burst))

    async def _paced(self, updates: trio.MemorySendChannel[SourceUpdate], maker: Maker) -> None:
        self._gate[Slot.BEGUN] = time.time_ns()
        start, sessions = trio.current_time(), self._options.sessions
        for i in range(self._options.bursts):
            await trio.sleep_until(start + i / self._options.rate)
            await updates.send(SessionBurst(identity(i % sessions + 1), maker.burst(i, time.time_ns())))
            self._gate[Slot.SENT] = i + 1


def _json(name: str) -> str:
    required = {"identity": name, "state": "open", "timestamp": "2021-05-04T11:50:55Z", "identifier": name}
    return json.dumps(required)


@asynccontextmanager
async def open_source(options: SourceOptions, context: Context) -> AsyncIterator[BenchSource]:
    yield BenchSource(options)
