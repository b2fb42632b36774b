"""Exports as MCAP, read by mcap's own reader, with nothing but what is in the file."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from archive.plain_archive import PlainArchive
from exported_files import messages_of
from mcap.reader import make_reader

from rta.errors import RtaError
from rta.export import FORMATS, ArchivedData, ExportRequest, open_export
from rta.wire import Event

from .recorded import SECOND, T0, record
from .test_csv_export import long_drive, some_drive, speed


async def exported(archive, aim: int = 1 << 20, **request) -> bytes:
    export = await open_export(ArchivedData(archive), ExportRequest("drive", FORMATS["mcap"], **request), aim=aim)
    return b"".join([piece.data async for piece in export.pieces()])


async def test_each_parameter_is_a_topic_and_each_sample_a_message():
    found = list(messages_of(await exported(await some_drive())))
    assert [(topic, time - T0, m.value) for topic, time, m in found[:-1]] == [
        ("/Speed", 0, 0.1),
        ("/Gear", 0, 'first, "low"'),
        ("/Brake light", 0, 1),
        ("/Oil, hot", 0, 60),
        ("/Speed", 1, 3),
        ("/Oil, hot", SECOND // 2, 60.5),
        ("/Gear", SECOND, "?"),
        ("/Brake light", SECOND, 0),
        ("/Oil, hot", SECOND, 61),
    ]
    assert found[-1][:2] == ("/Speed", T0 + SECOND + 123)
    assert math.isnan(found[-1][2].value)


async def test_units_and_ids_are_said_of_the_topics_and_the_session_in_the_metadata():
    reader = make_reader(io.BytesIO(await exported(await some_drive())))
    channels = {c.topic: c.metadata for c in reader.get_summary().channels.values()}
    assert channels["/Oil, hot"] == {"unit": "°C", "id": "Oil:car"}
    assert [(m.name, m.metadata) for m in reader.iter_metadata()] == [
        ("session", {"session": "drive", "identifier": "Drive"})
    ]


async def drive_with_events() -> PlainArchive:
    archive = PlainArchive()
    pit = Event(event_definition_id=7, app_name="car", timestamp=T0 + 5, status_text="box")
    other = Event(event_definition_id=9, app_name="car", timestamp=T0, raw_data=[2])
    await record(archive, [[pit, speed([T0 + 6], [1.5])], [other]])
    return archive


async def test_events_are_messages_that_log_panels_show():
    found = list(messages_of(await exported(await drive_with_events())))
    assert [topic for topic, _, _ in found] == ["/events", "/events", "/Speed"]
    log = found[1][2]
    assert (log.message, log.name, log.file, log.level) == ("Pit stop: box", "car", "PIT", 4)
    assert (log.timestamp.seconds, log.timestamp.nanos) == (T0 // 10**9, 5)
    assert found[0][2].message == "0009: 2"


async def test_of_named_parameters_the_events_are_left_out_and_without_samples_there_are_only_they():
    archive = await drive_with_events()
    assert {topic for topic, _, _ in messages_of(await exported(archive, parameters=("Speed",)))} == {"/Speed"}
    assert {topic for topic, _, _ in messages_of(await exported(archive, events=True))} == {"/events"}


async def test_slices_do_not_show():
    archive = await long_drive(np.random.default_rng(4))
    whole = [(topic, time, str(m)) for topic, time, m in messages_of(await exported(archive))]
    assert len(whole) == 60 * 42
    assert [(topic, time, str(m)) for topic, time, m in messages_of(await exported(archive, aim=100))] == whole


async def test_times_before_1970_are_refused():
    archive = PlainArchive()
    await record(archive, [[speed([-5], [1])]])
    with pytest.raises(RtaError, match="no times before 1970"):
        await exported(archive)
