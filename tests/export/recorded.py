"""A recorded session for tests of exports, in a plain archive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archive.plain_archive import PlainArchive

from rta.ports import START, Entry, Portion, Position
from rta.wire import (
    Application,
    Channel,
    ConfigBinding,
    Configuration,
    Conversion,
    Parameter,
    SessionModel,
    SessionState,
    make_burst,
    write_session,
)
from rta.wire.burst import data_item, json_item
from rta.wire.configuration import EventDefinition, Rational, TextConversion
from rta.wire.session_json import TimeRangeModel

T0 = 1_700_000_000_000_000_000
SECOND = 10**9

CONFIGURATION = Configuration(
    {
        "car": Application(
            parameters=[
                Parameter("Speed:car", "Speed", "Speed over ground", "speed:car", [1], unit="km/h"),
                Parameter("Gear:car", "Gear", "", "gear:car", [2]),
                Parameter("Flags:car", "Brake light", "", "one:car", [3], mask="1", shift=2),
                Parameter("Oil:car", "Oil, hot", "", "oil:car", [4]),
                Parameter("Unused:car", "Unused", "", "one:car", [5]),
            ],
            channels=[
                Channel(1, "Speed", "timestamped", "f64"),
                Channel(2, "Gear", "row", "u8"),
                Channel(3, "Flags", "row", "u16"),
                Channel(4, "Oil", "periodic", "s16", 10**8),
                Channel(5, "Unused", "timestamped", "f32"),
            ],
            conversions=[
                Conversion("one:car"),
                Conversion("speed:car", "m/s"),
                Conversion("gear:car", text=TextConversion([0.0, 1.0], ["neutral", 'first, "low"'], "?")),
                Conversion("oil:car", "°C", rational=Rational([0, 0.5, -40, 0, 0, 1])),
            ],
            events=[EventDefinition(7, "PIT", "Pit stop", "high", ["one:car", "gear:car"])],
        )
    }
)


def session_json(
    identity: str = "drive", state: SessionState = SessionState.CLOSED, span: TimeRangeModel | None = None
) -> str:
    model = SessionModel(
        identity,
        state,
        "2023-11-14T22:13:20Z",
        "Drive",
        time_range=span,
        config_bindings=[ConfigBinding(CONFIGURATION.identifier())],
    )
    return write_session(model)


async def record(
    archive: PlainArchive, bursts: Sequence[Sequence[Any]], identity: str = "drive", first: int = 1, closed: bool = True
) -> None:
    """Append bursts of data to a session, with positions from `first` on."""
    await archive.publish(CONFIGURATION.identifier(), CONFIGURATION.write())
    state = SessionState.CLOSED if closed else SessionState.OPEN
    items = [[data_item(data) for data in burst] for burst in bursts]
    items[0].insert(0, json_item(session_json(identity, state)))
    entries = [Entry(Position(i, 0), 1, make_burst(burst)) for i, burst in enumerate(items, first)]
    runs = {1: (identity, START)}
    await archive.append(Portion("car", entries, runs, entries[-1].position))
