"""Overviews over HTTP. Source: docs/rest.md, "Overview"."""

from __future__ import annotations

from typing import Any

import pytest
from archive.plain_archive import PlainArchive

from rta.ports import ChannelOverview

from .asgi import ask
from .recorded import SECOND, RecordedSite

PATH = "/rta/v2/sessions/car/overview"


async def test_each_channel_has_its_stretches() -> None:
    site = RecordedSite()
    await site.record(*range(10))
    answer = await ask(site.app(), f"{PATH}/1?points=2")
    assert answer.json == {
        "channels": [
            {
                "channel": 1,
                "start": ["0", "4500000001"],
                "end": ["4500000001", "9000000002"],
                "count": [5, 5],
                "min": [0.01, 5.01],
                "max": [4.01, 9.01],
                "mean": [pytest.approx(2.01), pytest.approx(7.01)],
            }
        ]
    }
    both = await ask(site.app(), f"{PATH}/-?points=1&start={2 * SECOND}&end={4 * SECOND}", accept_encoding="gzip")
    assert both.headers["content-encoding"] == "gzip"
    assert [(c["channel"], c["count"]) for c in both.json["channels"]] == [(1, [3]), (0xA0, [3])]


async def test_many_channels_are_read_some_at_a_time() -> None:
    asked: list[Any] = []

    class Wide(PlainArchive):
        async def overview(self, identity: str, channels: Any, start: Any, end: Any, points: int) -> Any:
            asked.append((channels, points))
            ids = [c for first, last in channels for c in range(first, min(last, 99) + 1)]
            return [
                ChannelOverview(
                    c, [2**60 + 1] * points, [2**60 + 2] * points, [1] * points, *[[float("inf")] * points] * 3
                )
                for c in ids
            ]

    site = RecordedSite(Wide())
    await site.record(1)
    answer = await ask(site.app(), f"{PATH}/-?points=1000")
    assert [c["channel"] for c in answer.json["channels"]] == list(range(100))
    assert answer.json["channels"][7]["start"] == [str(2**60 + 1)] * 1000
    assert answer.json["channels"][7]["max"] == [None] * 1000
    assert asked[0][1] == 1
    assert [len(channels) for channels, _ in asked[1:]] == [40, 40, 20]


async def test_what_is_not_there_has_none() -> None:
    site = RecordedSite()
    assert (await ask(site.app(), f"{PATH}/-")).problem["status"] == 404
    await site.open()
    assert (await ask(site.app(), f"{PATH}/-")).json == {"channels": []}
    await site.record(1)
    for nothing in ("5-6", "6-1", "1?start=2&end=1"):
        assert (await ask(site.app(), f"{PATH}/{nothing}")).json == {"channels": []}
    assert (await ask(site.app(), f"{PATH}/-", "HEAD")).body == b""


async def test_of_a_sealed_session_it_is_not_sent_again() -> None:
    site = RecordedSite()
    await site.record(1, state="closed")
    first = await ask(site.app(), f"{PATH}/1")
    assert (await ask(site.app(), f"{PATH}/1", if_none_match=first.headers["etag"])).status == 304
    assert (await ask(site.app(), f"{PATH}/1?points=7", if_none_match=first.headers["etag"])).status == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("x", "channels"),
        ("1?points=0", "points"),
        ("1?points=5001", "points"),
        ("1?points=1.5", "points"),
        ("1?start=-", "start"),
    ],
)
async def test_what_cannot_be_meant_is_400(path: str, field: str) -> None:
    site = RecordedSite()
    await site.record(1)
    assert (await ask(site.app(), f"{PATH}/{path}")).problem["field"] == field
