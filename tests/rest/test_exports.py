"""Exports over HTTP. Source: docs/rest.md, "Export"."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from export.test_rest_export import TornArchive

from rta.export import FORMATS
from rta.ports import Entry, Portion, Position
from rta.wire import Application, Channel, Configuration, Parameter, json_item, make_burst

from .asgi import Asking, ask
from .recorded import SECOND, RecordedSite, session_json
from .test_data import Torn

PATH = "/rta/v2/sessions/car/export"


def lines(body: bytes) -> list[str]:
    return [line for line in body.decode().splitlines() if line and not line.startswith("#")]


async def test_a_session_is_a_table() -> None:
    site = RecordedSite()
    point = await site.record(1, 2, 3)
    answer = await ask(site.app(), f"{PATH}?start={2 * SECOND}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename=\"car.csv\"; filename*=UTF-8''car.csv"
    assert answer.headers["rta-flush-point"] == str(point)
    assert answer.whole
    table = lines(answer.body)
    assert "channel 1" in table[0]
    assert "2.01" in table[-2]
    assert "3.01" in table[-1]
    assert "1.01" not in answer.body.decode()


@pytest.mark.parametrize("name", ["csv", "arrow", "parquet", "mcap"])
async def test_each_format_has_its_type(name: str) -> None:
    site = RecordedSite()
    await site.record(1, 2, 3)
    for query in (f"format={name}", f"format={name}&events=true", f"format={name}&start=2&end=1"):
        answer = await ask(site.app(), f"{PATH}?{query}")
        assert answer.headers["content-type"] == FORMATS[name].media_type
        assert answer.whole
        assert answer.body
        assert (await ask(site.app(), f"{PATH}?{query}", "HEAD")).headers == answer.headers


async def test_what_is_not_recorded_is_404() -> None:
    site = RecordedSite()
    await site.open()
    assert (await ask(site.app(), PATH)).problem["status"] == 404
    assert (await ask(site.app(archive=None), PATH)).problem["status"] == 404


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("format=xls", 400, "format"),
        ("format=", 200, None),
        ("format=csv&format=csv", 400, "format"),
        ("start=x", 400, "start"),
        ("events=yes", 400, "events"),
        ("parameters=none", 404, "parameters"),
        ("parameters=" + "x" * 5000, 404, "parameters"),
    ],
)
async def test_what_cannot_be_meant_is_refused(query: str, status: int, field: str | None) -> None:
    site = RecordedSite()
    await site.record(1)
    answer = await ask(site.app(), f"{PATH}?{query}")
    assert answer.status == status
    assert field is None or answer.problem["field"] == field


async def test_a_format_that_cannot_be_written_here_is_501(monkeypatch: pytest.MonkeyPatch) -> None:
    site = RecordedSite()
    await site.record(1)
    monkeypatch.setitem(__import__("sys").modules, "mcap", None)
    answer = await ask(site.app(), f"{PATH}?format=mcap")
    assert answer.problem["status"] == 501
    assert "rta[export]" in answer.problem["detail"]


@pytest.mark.parametrize("identity", ['a"b\r\nx: 1', "ü/..\\", "x" * 300])
async def test_the_name_of_the_file_is_harmless(identity: str) -> None:
    site = RecordedSite()
    await site.record(1, identity=identity)
    quoted = "".join(f"%{byte:02x}" for byte in identity.encode())
    name = (await ask(site.app(), f"/rta/v2/sessions/{quoted}/export")).headers["content-disposition"]
    assert name.isascii()
    assert name.isprintable()
    assert name.count('"') == 2
    assert len(name) < 1000


async def test_an_export_of_a_sealed_session_is_not_sent_again() -> None:
    site = RecordedSite()
    await site.record(1, state="closed")
    first = await ask(site.app(), PATH)
    assert (await ask(site.app(), PATH, if_none_match=first.headers["etag"])).status == 304
    assert (await ask(site.app(), f"{PATH}?end=5", if_none_match=first.headers["etag"])).status == 200


async def test_a_configuration_that_is_not_recorded_yet_is_that_of_the_buffer() -> None:
    site = RecordedSite()
    await site.record(1, 2)
    bound = json.loads(session_json("car")) | {"configBindings": [{"identifier": "c", "channelOffset": 0}]}
    entry = Entry(Position(5000, 0), 3, make_burst([json_item(json.dumps(bound))]))
    await site.archive.append(Portion("live", [entry], {3: ("car", Position(0, 0))}, entry.position))
    assert (await ask(site.app(), f"{PATH}?parameters=speed:a")).problem["field"] == "parameters"
    parameter = Parameter("speed:a", "Speed", "", channels=[1], format="%.2f")
    channel = Channel(1, "Speed", source="timestamped", type="f64")
    await site.buffer.publish(
        "c", Configuration({"a": Application(parameters=[parameter], channels=[channel])}).write()
    )
    table = lines((await ask(site.app(), f"{PATH}?parameters=speed:a")).body)
    assert "Speed" in table[0]
    assert len(table) == 3


async def test_a_damaged_session_comes_but_is_not_taken_for_whole() -> None:
    site = RecordedSite(TornArchive())
    await site.record(1)
    answer = await ask(site.app(), PATH)
    assert answer.status == 200
    assert "1.01" in lines(answer.body)[-1]
    assert not answer.whole


async def test_an_archive_that_fails_is_503_or_breaks_the_export_off() -> None:
    site = RecordedSite(Torn(fails_at=0))
    await site.record(1)
    assert (await ask(site.app(), PATH)).problem["status"] == 503


async def test_a_client_that_goes_ends_the_reading() -> None:
    site = RecordedSite(Torn())
    await site.record(*range(5000))
    slow = Asking(site.app(), PATH, takes=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(slow.run)
        await slow.stalled.wait()
        slow.hang_up()
    assert site.archive.open == 0


async def test_exports_wait_for_their_turns(autojump_clock: Any) -> None:
    site = RecordedSite()
    await site.record(1)
    app = site.app()
    slow = [Asking(app, PATH, takes=0) for _ in range(4)]
    async with trio.open_nursery() as nursery:
        for one in slow:
            nursery.start_soon(one.run)
        for one in slow:
            await one.stalled.wait()
        assert (await ask(app, PATH)).problem["status"] == 429
        for one in slow:
            one.hang_up()
