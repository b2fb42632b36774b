"""A transport as somebody else would write it: one session of rows, events, words and bytes the other way round."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import trio
from attrs import define

from rta.ports import (
    CloseSession,
    Context,
    Offer,
    OpenSession,
    Publish,
    RtaError,
    SessionBurst,
    SourceUpdate,
    Transport,
    option,
)
from rta.wire import (
    Application,
    Channel,
    ChannelId,
    Configuration,
    Conversion,
    Event,
    Parameter,
    SampleType,
    encode_periodic,
    encode_row,
    pack_items,
)
from rta.wire.configuration import Rational, TextConversion

__all__ = ["TRANSPORT"]

IDENTITY = "stint/1 é%"
IDENTIFIER = "[/b] \ud800 stint"
START = 1_700_000_000_000_000_000

LIGHT, DELTA, PRESSURE = ChannelId(1), ChannelId(2), ChannelId(3)

CONFIGURATION = Configuration(
    {
        "Radio": Application(
            parameters=[
                Parameter("Light:Radio", "Light", conv="lights", channels=[LIGHT]),
                Parameter("Delta:Radio", "[red] Delta", conv="to_seconds", channels=[DELTA], unit="s"),
                Parameter("Pressure:Radio", "Pressure", conv="to_bar", channels=[PRESSURE], byte_order="be"),
            ],
            channels=[
                Channel(LIGHT, source="row", type="u8"),
                Channel(DELTA, source="row", type="s16"),
                Channel(PRESSURE, source="periodic", type="u16", interval=1000),
            ],
            conversions=[
                Conversion("lights", text=TextConversion([0, 1], ["red", "green"], "dark")),
                Conversion("to_seconds", "ms", rational=Rational([0, 0.5, 0, 0, 0, 1])),
                Conversion("to_bar", "bar", rational=Rational([0, 1, -100, 0, 0, 1])),
            ],
        )
    }
)


@define
class RadioOptions:
    """What goes wrong, if anything."""

    fault: Literal["none", "bug", "unfit"] = option("What goes wrong.", "none")


@define
class Radio:
    """The source."""

    options: RadioOptions

    async def run(self, updates: trio.MemorySendChannel[SourceUpdate]) -> None:
        if self.options.fault == "bug":
            print({}["no such key"])
        if self.options.fault == "unfit":
            raise RtaError("the radio is not switched on")
        identifier = CONFIGURATION.identifier()
        types = {LIGHT: SampleType.U8, DELTA: SampleType.S16}
        await updates.send(Publish(identifier, CONFIGURATION.write()))
        await updates.send(OpenSession(IDENTITY, session_json("open", identifier)))
        data = [encode_row([LIGHT, DELTA], START + n, [n, -n], types) for n in range(3)]
        pressure = encode_periodic(PRESSURE, START, 1000, [300, 0x1234], SampleType.U16, "be")
        call = Event(
            event_definition_id=7,
            app_name="Radio",
            timestamp=START,
            status_text="box, box",
            raw_data=[1.5, float("nan")],
        )
        for burst in pack_items([*data, pressure, call], None):
            await updates.send(SessionBurst(IDENTITY, burst))
        await updates.send(CloseSession(IDENTITY, session_json("closed", identifier)))


def session_json(state: str, configuration: str) -> str:
    return json.dumps(
        {
            "identity": IDENTITY,
            "state": state,
            "timestamp": "2023-11-14T22:13:20Z",
            "identifier": IDENTIFIER,
            "configBindings": [{"identifier": configuration, "channelOffset": 0}],
        }
    )


@asynccontextmanager
async def open_radio(options: RadioOptions, context: Context) -> AsyncIterator[Radio]:
    yield Radio(options)


TRANSPORT = Transport(source=Offer(RadioOptions, open_radio), summary="what the pit wall says")
