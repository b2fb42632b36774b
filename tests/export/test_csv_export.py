"""Exports as CSV: every sample of the range, exact, once, in order."""

from __future__ import annotations

import csv
import io
import math
import struct
from copy import deepcopy

import numpy as np
import pytest
from archive.plain_archive import PlainArchive
from mcap.reader import make_reader

from rta.errors import RtaError
from rta.export import FORMATS, ArchivedData, ExportPiece, ExportRequest, open_export
from rta.wire import Event, encode_periodic, encode_row, encode_timestamped
from rta.wire.samples import SampleType
from rta.wire.values import ChannelId

from . import recorded
from .recorded import SECOND, T0, record

MS = 10**6


def row(time: int, gear: int, flags: int):
    types = {ChannelId(2): SampleType.U8, ChannelId(3): SampleType.U16}
    return encode_row([ChannelId(2), ChannelId(3)], time, [gear, flags], types)


def speed(times, values):
    return encode_timestamped(ChannelId(1), times, values)


async def pieces(archive, aim: int = 1 << 20, after=None, **request) -> list[ExportPiece]:
    export = await open_export(ArchivedData(archive), ExportRequest("drive", **request), aim=aim)
    return [piece async for piece in export.pieces(after)]


async def text(archive, aim: int = 1 << 20, **request) -> str:
    return b"".join(p.data for p in await pieces(archive, aim, **request)).decode()


def lines(exported: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(exported)))


async def some_drive() -> PlainArchive:
    archive = PlainArchive()
    await record(
        archive,
        [
            [speed([T0, T0 + 1], [0.1, 3.0]), row(T0, 1, 0b100)],
            [encode_periodic(ChannelId(4), T0, 500 * MS, [200, 201, 202], SampleType.S16)],
            [speed([T0 + SECOND + 123], [math.nan]), row(T0 + SECOND, 9, 0b011)],
        ],
    )
    return archive


async def test_a_row_for_each_time_and_a_column_for_each_parameter():
    assert lines(await text(await some_drive())) == [
        ["time", "Speed (km/h)", "Gear", "Brake light", "Oil, hot (°C)"],
        ["2023-11-14T22:13:20.000000000Z", "0.1", 'first, "low"', "1", "60"],
        ["2023-11-14T22:13:20.000000001Z", "3", "", "", ""],
        ["2023-11-14T22:13:20.500000000Z", "", "", "", "60.5"],
        ["2023-11-14T22:13:21.000000000Z", "", "?", "0", "61"],
        ["2023-11-14T22:13:21.000000123Z", "NaN", "", "", ""],
    ]


async def test_parameters_that_are_named_are_the_columns_in_that_order_also_without_samples():
    exported = lines(await text(await some_drive(), parameters=("Unused", "Oil:car", "Oil:car", "Speed over ground")))
    assert exported[0] == ["time", "Unused", "Oil, hot (°C)", "Speed (km/h)"]
    assert exported[1][1:] == ["", "60", "0.1"]


async def test_a_name_that_no_parameter_has_is_an_error():
    with pytest.raises(RtaError, match=r'no parameter "Sped"; there are: .*Speed'):
        await text(await some_drive(), parameters=("Sped",))


async def test_a_session_that_is_not_there_is_an_error():
    with pytest.raises(RtaError, match='there is no session "drive"'):
        await text(PlainArchive())


async def test_both_ends_of_the_range_are_in_it_and_nothing_beyond():
    exported = lines(await text(await some_drive(), start=T0 + 1, end=T0 + SECOND))
    assert [line[0][20:29] for line in exported[1:]] == ["000000001", "500000000", "000000000"]


async def test_a_range_without_samples_has_the_header_only():
    assert lines(await text(await some_drive(), start=T0 + 5, end=T0 + 4, parameters=("Speed",))) == [
        ["time", "Speed (km/h)"]
    ]


async def test_samples_of_the_same_time_have_a_row_each_in_their_order():
    archive = PlainArchive()
    await record(archive, [[speed([T0, T0, T0 + 5, T0 + 5], [1.5, 2.5, 3.5, 4.5]), row(T0, 0, 0), row(T0 + 5, 1, 0)]])
    exported = lines(await text(archive, parameters=("Speed", "Gear")))
    assert [line[1:] for line in exported[1:]] == [
        ["1.5", "neutral"],
        ["2.5", ""],
        ["3.5", 'first, "low"'],
        ["4.5", ""],
    ]


async def test_late_samples_stand_where_their_time_is():
    archive = PlainArchive()
    await record(archive, [[speed([T0 + 10, T0 + 20], [1, 2])], [speed([T0, T0 + 15], [3, 4])]])
    exported = lines(await text(archive))
    assert [line[1] for line in exported[1:]] == ["3", "1", "4", "2"]


async def test_channels_without_a_parameter_have_a_column_of_their_own():
    archive = PlainArchive()
    await record(archive, [[encode_timestamped(ChannelId(77), [T0], [2.25])]])
    assert lines(await text(archive))[0] == ["time", "channel 77"]


async def test_no_column_is_called_like_that_of_the_times(monkeypatch):
    named = deepcopy(recorded.CONFIGURATION)
    for parameter, name in zip(named.applications["car"].parameters, ("time", "events"), strict=False):
        parameter.name = name
    monkeypatch.setattr(recorded, "CONFIGURATION", named)
    archive = await some_drive()
    assert lines(await text(archive))[0][:3] == ["time", "Speed:car (km/h)", "events"]
    export = await open_export(ArchivedData(archive), ExportRequest("drive", FORMATS["mcap"]))
    reader = make_reader(io.BytesIO(b"".join([piece.data async for piece in export.pieces()])))
    topics = [channel.topic for channel in reader.get_summary().channels.values()]
    assert sorted(topics) == ["/Brake light", "/Gear:car", "/Oil, hot", "/Speed:car", "/events"]


async def test_no_two_columns_look_the_same_with_their_units(monkeypatch):
    alike = deepcopy(recorded.CONFIGURATION)
    for parameter, name, unit in zip(
        alike.applications["car"].parameters, ("Speed", "Speed (km/h)"), ("km/h", ""), strict=False
    ):
        parameter.name, parameter.unit = name, unit
    monkeypatch.setattr(recorded, "CONFIGURATION", alike)
    titles = lines(await text(await some_drive()))[0]
    assert titles[1:3] == ["Speed (km/h)", "Speed (km/h) 2"]
    assert len(set(titles)) == len(titles)


DOUBLES = [
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    1e16,
    123456789012345680.0,
    1e22,
    2**53 + 2.0,
    1 / 3,
    math.inf,
    -math.inf,
]


async def test_every_double_is_read_back_as_it_was():
    archive = PlainArchive()
    await record(archive, [[speed([T0 + i for i in range(len(DOUBLES))], DOUBLES)]])
    exported = lines(await text(archive))
    assert [struct.pack("<d", float(line[1])) for line in exported[1:]] == [struct.pack("<d", v) for v in DOUBLES]


async def long_drive(rng: np.random.Generator) -> PlainArchive:
    archive = PlainArchive()
    bursts = []
    for i in range(60):
        times = T0 + np.sort(rng.integers(i * SECOND, (i + 2) * SECOND, 40))
        bursts.append([speed(times, rng.normal(size=40)), row(T0 + i * SECOND, i % 3, i)])
    await record(archive, bursts)
    return archive


async def test_slices_do_not_show():
    archive = await long_drive(np.random.default_rng(1))
    whole = await text(archive)
    assert len(lines(whole)) > 2000
    assert await text(archive, aim=100) == whole


async def test_what_is_written_after_any_piece_completes_what_was_before(monkeypatch):
    monkeypatch.setattr("rta.export.csv_text.CsvText.cells", 400)
    archive = await long_drive(np.random.default_rng(2))
    all_pieces = await pieces(archive)
    whole = b"".join(p.data for p in all_pieces)
    assert len(all_pieces) > 10
    for i, piece in enumerate(all_pieces):
        if piece.place is not None:
            rest = await pieces(archive, after=piece.place)
            assert b"".join(p.data for p in all_pieces[: i + 1]) + b"".join(p.data for p in rest) == whole


async def test_an_export_ends_where_the_session_was_when_it_began():
    archive = PlainArchive()
    await record(archive, [[speed([T0 + i], [i])] for i in range(10)], closed=False)
    export = await open_export(ArchivedData(archive), ExportRequest("drive"), aim=2)
    written = b""
    async for piece in export.pieces():
        written += piece.data
        if b"Speed" in piece.data:
            await record(archive, [[speed([T0 + 3, T0 + 100], [50, 100])]], first=50, closed=False)
    assert [line[1] for line in lines(written.decode())[1:]] == [str(i) for i in range(10)]
    assert str(export.upto) == "10-0:1:car"


async def test_a_session_that_cannot_be_held_apart_from_what_came_later_is_not_mixed_with_it():
    archive = PlainArchive()
    await record(archive, [[speed([T0 + i], [i])] for i in range(10)], closed=False)
    export = await open_export(ArchivedData(archive), ExportRequest("drive"), aim=2)
    await record(archive, [[speed([T0 + 3], [50])]], first=50, closed=False)
    archive.forget_entries("drive", export.upto.position.after())
    with pytest.raises(RtaError, match="has gone on"):
        [piece async for piece in export.pieces()]


async def test_events_have_a_table_of_their_own():
    archive = PlainArchive()
    pit = Event(event_definition_id=7, app_name="car", timestamp=T0 + 5, status_text="box, box", raw_data=[1.5, 1])
    other = Event(event_definition_id=255, app_name="car", timestamp=T0)
    await record(archive, [[pit, other, speed([T0], [1])]])
    assert lines(await text(archive, events=True)) == [
        ["time", "application", "code", "description", "priority", "text", "values"],
        ["2023-11-14T22:13:20.000000000Z", "car", "00FF", "", "", "", ""],
        ["2023-11-14T22:13:20.000000005Z", "car", "PIT", "Pit stop", "high", "box, box", '1.5; first, "low"'],
    ]
