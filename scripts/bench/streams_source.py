"""The source of the streams' load: parameters that all change again and again, each at its own time or all at once.

A value is the moment it was due, in us since the Unix epoch: whoever receives it knows how late it is, and what kept
the source itself waiting is part of that.
"""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import trio
from attrs import define

from rta.background import in_background
from rta.ports import Context, Offer, OpenSession, Publish, SessionBurst, SourceUpdate, Transport, option
from rta.wire import (
    Application,
    Burst,
    Channel,
    ConfigBinding,
    Configuration,
    Conversion,
    Parameter,
    SessionModel,
    SessionState,
    TimestampedData,
    data_item,
    make_burst,
    write_session,
)
from scripts.bench.gate import Gate, Slot
from scripts.bench.parent import end_with_parent
from scripts.bench.source import POLL

__all__ = ["TRANSPORT", "TURN", "parameter"]

TURN = 0.1
"""Seconds in which every parameter changes once."""

_APP = "bench"
_US = 1000  # ns
_VALUE = struct.Struct("<d")


def parameter(number: int) -> str:
    """The name of one, from 0."""
    return f"P{number}"


@define
class ChangesOptions:
    """Parameters that change, once the gate says so."""

    gate: Path = option("The file of the gate.")
    parameters: int = option("How many.", 200)
    parts: int = option("Bursts that each turn is spread over; 1: all parameters change in one instant.", 20)
    turns: int = option("How often every parameter changes.", 10)


class ChangesSource:
    """See `rta.ports.Source`."""

    def __init__(self, options: ChangesOptions) -> None:
        self._options = options
        self._gate = Gate(options.gate)

    async def run(self, updates: trio.MemorySendChannel[SourceUpdate]) -> None:
        options, gate = self._options, self._gate
        configuration = _configuration(options.parameters)
        await updates.send(Publish(configuration.identifier(), configuration.write()))
        await updates.send(OpenSession(_APP, _json(configuration.identifier())))
        gate[Slot.READY] = 1
        while not gate[Slot.GO]:
            await trio.sleep(POLL)
        begun, start = time.time_ns(), trio.current_time()
        gate[Slot.BEGUN] = begun
        step = TURN / options.parts
        for i in range(options.turns * options.parts):
            await trio.sleep_until(start + i * step)
            channels = range(1 + i % options.parts, 1 + options.parameters, options.parts)
            await updates.send(SessionBurst(_APP, _burst(channels, begun + round(i * step * 1e9))))
            gate[Slot.SENT] += len(channels)
        await trio.sleep_forever()


def _burst(channels: range, due: int) -> Burst:
    """A sample of each; `due` in ns since the Unix epoch."""
    value = _VALUE.pack(due / _US)
    return make_burst(
        [
            data_item(
                TimestampedData(
                    channel_id=channel,
                    start_timestamp=due,
                    timestamp_deltas_scale=0,
                    timestamp_deltas=(0,),
                    buffer=value,
                )
            )
            for channel in channels
        ]
    )


def _configuration(parameters: int) -> Configuration:
    names = [parameter(i) for i in range(parameters)]
    application = Application(
        parameters=[
            Parameter(id=f"{name}:{_APP}", name=name, conv=f"same:{_APP}", channels=[i + 1])
            for i, name in enumerate(names)
        ],
        channels=[Channel(i + 1, name, "timestamped", "f64") for i, name in enumerate(names)],
        conversions=[Conversion(f"same:{_APP}")],
    )
    return Configuration({_APP: application})


def _json(configuration: str) -> str:
    return write_session(
        SessionModel(
            identity=_APP,
            state=SessionState.OPEN,
            timestamp=datetime.now(UTC).isoformat(),
            identifier=_APP,
            config_bindings=[ConfigBinding(configuration)],
        )
    )


@asynccontextmanager
async def _open(options: ChangesOptions, context: Context) -> AsyncIterator[ChangesSource]:
    async with in_background(end_with_parent):
        yield ChangesSource(options)


TRANSPORT = Transport(source=Offer(ChangesOptions, _open), summary="parameters that change, for the benchmark")
"""The transport `bench-changes`."""
