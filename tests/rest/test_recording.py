"""What is recorded of a session, and its entries. Source: docs/rest.md, "Recording", "Entries"."""

from __future__ import annotations

import pytest

from rta.ports import FlushPoint, Hole, Portion, Position
from rta.rest.packed_entries import ENTRIES, read_batch
from rta.rest.recording import read_recording

from .asgi import ask
from .recorded import RecordedSite

ENTRIES_PATH = "/rta/v2/entries"


async def test_the_document_says_all_that_the_archive_knows() -> None:
    site = RecordedSite()
    await site.record(1, 2)
    hole = Hole(Position(5000, 0), Position(6000, 18446744073709551615), "trimmed")
    await site.archive.append(Portion("live", [], {3: ("car", Position(0, 0))}, Position(6000, 1), {3: hole}))
    answer = await ask(site.app(), "/rta/v2/sessions/car/recording")
    found = await site.archive.find("car")
    assert read_recording(answer.json) == found
    assert answer.json["flushPoint"] == str(found.flush_point)
    assert answer.json["timeRange"] == {"startTime": "1000000000", "endTime": "2000000000"}


async def test_what_is_not_recorded_is_404() -> None:
    site = RecordedSite()
    await site.open()
    assert (await ask(site.app(), "/rta/v2/sessions/car/recording")).problem["status"] == 404
    assert (await ask(site.app(archive=None), "/rta/v2/sessions/car/recording")).problem["status"] == 404


async def test_what_is_not_recorded_is_null_to_those_who_ask_for_that() -> None:
    site = RecordedSite()
    await site.open()
    answer = await ask(site.app(), "/rta/v2/sessions/car/recording?absent=null")
    assert (answer.status, answer.json) == (200, None)
    assert (await ask(site.app(), "/rta/v2/sessions/car/recording?absent=204")).problem["field"] == "absent"
    await site.record(1)
    recorded = await ask(site.app(), "/rta/v2/sessions/car/recording?absent=null")
    assert recorded.json == (await ask(site.app(), "/rta/v2/sessions/car/recording")).json


@pytest.mark.parametrize("document", [None, 1, [], {}, {"identity": "a"}, {"runs": 1}])
def test_another_document_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="recorded of a session"):
        read_recording(document)


async def test_entries_come_packed_with_their_positions() -> None:
    site = RecordedSite()
    point = await site.record(1, 2, 3)
    app = site.app()
    start = FlushPoint("live", 3, Position(0, 0))
    answer = await ask(app, f"{ENTRIES_PATH}?after={start}")
    assert answer.headers["content-type"] == ENTRIES
    batch = read_batch(answer.body, answer.headers["rta-position"], answer.headers["rta-lost"])
    held = await site.archive.read_entries(start, Position(9999, 0), 1 << 20)
    assert (batch.position, batch.lost) == (point.position, False)
    assert [(e.position, e.session_id, e.burst.packed) for e in batch.entries] == [
        (e.position, e.session_id, e.burst.packed) for e in held.entries
    ]
    part = await ask(app, f"{ENTRIES_PATH}?after={start}&upto=1002-0&bytes=1")
    assert part.headers["rta-position"] == "1-0"
    none = await ask(app, f"{ENTRIES_PATH}?after={point}&upto=1002-0")
    assert (none.body, none.headers["rta-lost"]) == (b"", "false")
    site.archive.forget_entries("car", point.position)
    lost = await ask(app, f"{ENTRIES_PATH}?after={start}")
    assert (lost.body, lost.headers["rta-lost"]) == (b"", "true")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "after"),
        ("after=1-0", "after"),
        ("after=1-0:3:live&upto=x", "upto"),
        ("after=1-0:3:live&upto=" + "9" * 20 + "-0", "upto"),
        ("after=1-0:3:live&bytes=0", "bytes"),
        ("after=1-0:3:live&bytes=4194305", "bytes"),
        ("after=1-0:3:live&after=1-0:3:live", "after"),
    ],
)
async def test_what_cannot_be_meant_is_400(query: str, field: str) -> None:
    answer = await ask(RecordedSite().app(), f"{ENTRIES_PATH}?{query}")
    assert (answer.status, answer.problem["field"]) == (400, field)
