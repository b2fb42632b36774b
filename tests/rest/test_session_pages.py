"""Sessions over HTTP: recorded and live ones in a list, one of them, the metamodel, folders."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from rta.ports import Entry, Portion, Position
from rta.wire import json_item, make_burst

from .asgi import Answer, ask
from .recorded import RecordedSite

SESSIONS = "/rta/v2/sessions"
METAMODEL = "/rta/v2/session-metamodel"
FORM = {"content_type": "application/x-www-form-urlencoded"}


class Site(RecordedSite):
    """Sessions with any JSON, recorded or live."""

    async def recorded(self, identity: str, **fields: Any) -> None:
        number = len(identity) * 1000 + sum(map(ord, identity))
        text = json.dumps({"identity": identity, **fields})
        entry = Entry(Position(1, 0), number, make_burst([json_item(text)]))
        await self.archive.append(Portion(identity, [entry], {number: (identity, Position(0, 0))}, Position(1, 0)))

    async def live(self, identity: str, **fields: Any) -> None:
        record = await self.buffer.open_session(identity, "live")
        await self.buffer.append(record, make_burst([json_item(json.dumps({"identity": identity, **fields}))]))


@pytest.fixture
async def site() -> Site:
    site = Site()
    await site.recorded("old", timestamp="2026-01-01T00:00:00Z", group="G", version=1, details={"Lab Tech": "Bob"})
    await site.recorded("older", timestamp="2025-01-01T00:00:00Z", details={"Run": 17, "wet": True, "Fuel": 1.5})
    await site.live("new", timestamp="2026-02-01T00:00:00+01:00", group="H", details={"Lab Tech": "Eve"})
    return site


def names(answer: Answer) -> list[str]:
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    return [s["identity"] for s in answer.json["sessions"]]


async def test_recorded_and_live_sessions_are_one_list(site: Site) -> None:
    app = site.app()
    assert names(await ask(app, SESSIONS)) == ["new", "old", "older"]
    assert names(await ask(app, SESSIONS + "?pageSize=2&pageIndex=1")) == ["older"]
    assert names(await ask(app, SESSIONS + "?sort=details.Lab+Tech:desc")) == ["new", "old", "older"]
    assert names(await ask(app, SESSIONS + "?folder=G")) == ["old"]
    assert names(await ask(app, SESSIONS + "?folder=nothing")) == []
    assert names(await ask(app, SESSIONS + "?sort=timestamp:asc&version:desc")) == ["older", "old", "new"]


async def test_a_form_asks_for_the_same_and_for_more(site: Site) -> None:
    app = site.app()
    assert names(await ask(app, SESSIONS, "POST")) == ["new", "old", "older"]
    assert names(await ask(app, SESSIONS, "POST", b"", **FORM)) == ["new", "old", "older"]
    query = urlencode({"query": '{"details.Lab Tech": {"$in": ["Bob", "Eve"]}}', "sort": "timestamp:asc"}).encode()
    assert names(await ask(app, SESSIONS, "POST", query, **FORM)) == ["old", "new"]
    assert names(await ask(app, SESSIONS + "?pageSize=1", "POST", query)) == ["old"]
    assert names(await ask(app, SESSIONS + "?query=" + quote('{"details.Run": 17}'))) == ["older"]


async def test_children_of_either_side_are_not_listed_and_can_be_had(site: Site) -> None:
    await site.recorded("parent", children=["new"])
    await site.live("mother", alternates=["old"])
    app = site.app()
    assert names(await ask(app, SESSIONS)) == ["older", "mother", "parent"]
    assert (await ask(app, SESSIONS + "/new")).json["identity"] == "new"
    assert (await ask(app, SESSIONS + "/old")).json["identity"] == "old"


async def test_one_session_is_as_the_buffer_has_it_or_else_the_archive(site: Site) -> None:
    await site.recorded("new", version=1, extDetails={"G": {"N": 1}})
    app = site.app()
    assert (await ask(app, SESSIONS + "/new")).json["group"] == "H"
    assert (await ask(app, SESSIONS + "/older")).json["details"]["Run"] == 17
    assert (await ask(app, SESSIONS + "/nobody")).problem["status"] == 404
    assert (await ask(app, SESSIONS + "/" + quote("a/b\0%", safe=""))).problem["status"] == 404


@pytest.mark.parametrize(
    ("target", "body", "field", "said"),
    [
        ("?query=[", b"", "query", "not JSON"),
        ("", b"query=%7B%22a%22%3A%7B%22%24foo%22%3A1%7D%7D", "query", "unknown operator"),
        ("?query=" + "%7B%22%24not%22%3A" * 500, b"", "query", "not JSON"),
        ("?pageSize=x", b"", "pageSize", "expected a whole number"),
        ("?pageSize=10001", b"", "pageSize", "expected a whole number"),
        ("?pageIndex=-1", b"", "pageIndex", "expected a whole number"),
        ("?folder=a&folder=b", b"", "folder", "expected it once"),
        ("?query=%7B%7D", b"query=%7B%7D", "query", "expected it once"),
    ],
)
async def test_what_is_malformed_is_told(site: Site, target: str, body: bytes, field: str, said: str) -> None:
    answer = await ask(site.app(), SESSIONS + target, "POST", body, **FORM)
    assert (answer.status, answer.problem["field"]) == (400, field)
    assert said in answer.problem["detail"]


async def test_bodies_that_are_no_forms_are_refused(site: Site) -> None:
    app = site.app()
    assert (await ask(app, SESSIONS, "POST", b"{}", content_type="application/json")).problem["status"] == 415
    assert (await ask(app, SESSIONS, "POST", b"query=\xff", **FORM)).problem["status"] == 400
    assert (await ask(app, SESSIONS, "POST", b"&a" * 5000, **FORM)).problem["status"] == 400


async def test_where_the_archive_cannot_be_read_live_sessions_are_told_and_that_it_is_not_all(site: Site) -> None:
    site.archive.down = True
    app = site.app()
    answer = await ask(app, SESSIONS)
    assert names(answer) == ["new"]
    assert answer.headers["rta-incomplete"] == "recorded sessions"
    assert "details" in (await ask(app, METAMODEL)).json
    assert (await ask(app, SESSIONS + "/new")).status == 200
    assert (await ask(app, SESSIONS + "/old")).problem["status"] == 503


async def test_the_metamodel_is_made_of_what_is_there(site: Site) -> None:
    await site.recorded("more", state="open", extDetails={"Car.Setup": {"Tyre": 1}, "CarSetup": {"Tyre.Pressure": 1.2}})
    able = {"filter": True, "sort": True}
    document = (await ask(site.app(), METAMODEL)).json
    assert document["state"] == able
    assert document["version"] == {"capabilities": able, "constraints": {"values": [1], "minimum": 1, "maximum": 1}}
    assert document["group"] == {"capabilities": able, "constraints": {"values": ["G", "H"]}}
    ends = {"minimum": "2025-01-01T00:00:00Z", "maximum": "2026-02-01T00:00:00+01:00"}
    assert document["timestamp"] == {"capabilities": able, "constraints": ends}
    assert document["details"]["Lab Tech"] == {
        "label": "Lab Tech",
        "type": "string",
        "capabilities": able,
        "constraints": {"values": ["Bob", "Eve"]},
    }
    assert {name: one["type"] for name, one in document["details"].items()} == {
        "Fuel": "number",
        "Lab Tech": "string",
        "Run": "integer",
        "wet": "boolean",
    }
    assert document["extDetails"]["CarSetup"]["properties"]["Tyre.Pressure"]["label"] == "Tyre.Pressure"
    assert "identity" not in document
    of_folder = (await ask(site.app(), METAMODEL + "?folder=G")).json
    assert of_folder["details"]["Lab Tech"]["constraints"]["values"] == ["Bob"]
    assert set(of_folder) == {"timestamp", "group", "version", "details"}


async def test_properties_are_found_by_what_is_like_them(site: Site) -> None:
    async def found(query: str) -> list[str]:
        return [p["id"] for p in (await ask(site.app(), f"{METAMODEL}/properties?query={query}")).json]

    assert await found("details.") == [
        "details.Fuel",
        "details.Lab%20Tech".replace("%20", " "),
        "details.Run",
        "details.wet",
    ]
    assert await found("FUEL") == ["details.Fuel"]
    assert await found("dtw") == ["details.wet"]
    assert await found("qqq") == []
    assert len(await found("")) == 7
    answer = await ask(site.app(), f"{METAMODEL}/properties?query=lab")
    assert answer.json == [{"id": "details.Lab Tech", "label": "Lab Tech"}]


async def test_groups_are_folders(site: Site) -> None:
    app = site.app()
    expected = [{"identity": g, "label": g, "description": "", "hasChildren": False} for g in "GH"]
    assert (await ask(app, "/rta/v2/session-folders/")).json == expected
    assert (await ask(app, "/rta/v2/session-folders")).json == expected
    assert (await ask(app, "/rta/v2/session-folders/G")).json == []
