"""The list of live sessions, whatever is in their JSON."""

from __future__ import annotations

import json

import pytest

from rta.ports import START, SessionRecord
from rta.rest.sessions import SessionCatalogue
from rta.session_query import read_list_request


def session(identity: str, text: str | None = None, **fields: object) -> SessionRecord:
    written = json.dumps({"identity": identity, "timestamp": "2026-01-01T00:00:00Z", **fields})
    return SessionRecord(identity, "stream", 1, START, 0, written if text is None else text)


async def listed(records: list[SessionRecord], **parameters: str) -> str:
    async def read() -> list[SessionRecord]:
        return records

    return await SessionCatalogue(read).list(read_list_request(list(parameters.items())))


async def identities(records: list[SessionRecord], **parameters: str) -> list[str]:
    return [s["identity"] for s in json.loads(await listed(records, **parameters))["sessions"]]


@pytest.mark.parametrize("text", [None, "", "nonsense", "[]", '{"identity": "x", "quality": NaN}', "[" * 60_000])
async def test_what_is_no_json_object_is_left_out(text: str | None) -> None:
    odd = SessionRecord("odd", "stream", 1, START, 0, text)
    assert await identities([odd, session("a")]) == ["a"]


@pytest.mark.parametrize("odd", ['{"identity": ["x"]}', '{"identity": "x", "timestamp": 1' + "0" * 400 + "}"])
async def test_an_odd_session_does_not_spoil_the_list(odd: str) -> None:
    assert "a" in await identities([session("odd", odd), session("a")])


async def test_the_json_is_passed_on_as_it_was_written() -> None:
    text = '{ "Identity":"a",  "timestamp":"2026-01-01T00:00:00.1234567Z" }'
    assert await listed([session("a", text)]) == '{"sessions":[' + text + "]}"


async def test_the_newest_come_first_and_children_do_not_come_at_all() -> None:
    old = session("old", timestamp="2020-01-01T00:00:00Z", children=["child"])
    assert await identities([old, session("new"), session("child")]) == ["new", "old"]


async def test_sorting_and_paging() -> None:
    found = [session(i, version=n) for n, i in enumerate("abcd")]
    assert await identities(found, pageIndex="1", pageSize="2", sort="version:desc") == ["b", "a"]
    assert await identities(found, sort="what:asc,identity:asc") == ["a", "b", "c", "d"]
    assert await identities(found, pageSize="0") == []
    assert await identities(found, pageIndex="9") == []


async def test_a_property_that_is_named_again_changes_nothing() -> None:
    found = [session(i, version=n % 2) for n, i in enumerate("abcd")]
    again = ",".join(("version:desc", "identity:desc", "version:asc", "identity:asc") * 1000)
    assert await identities(found, sort=again) == ["d", "b", "c", "a"]


async def test_what_has_changed_or_gone_is_found_no_more() -> None:
    records = [session("a", version=1), session("b", version=1)]

    async def read() -> list[SessionRecord]:
        return list(records)

    catalogue = SessionCatalogue(read)
    asked = read_list_request([("query", '{"version": 1}')])
    assert len(json.loads(await catalogue.list(asked))["sessions"]) == 2
    records[:] = [session("a", version=2), session("c", version=1), session("d", "nonsense")]
    assert [s["identity"] for s in json.loads(await catalogue.list(asked))["sessions"]] == ["c"]
    records[2:] = [session("d", version=1)]
    assert [s["identity"] for s in json.loads(await catalogue.list(asked))["sessions"]] == ["c", "d"]


EXTENDED = {"G": {"N": 1, "M": 2}, "G.H": {"N": 3}, "odd": 4}


@pytest.mark.parametrize(
    ("prop", "told"),
    [
        ("details.x", {}),
        ("extDetails", EXTENDED),
        ("extDetails.G", {"G": EXTENDED["G"]}),
        ("extDetails.G.N", {"G": {"N": 1}}),
        ("EXTDETAILS.G.H.N", {"G.H": {"N": 3}}),
        ("extDetails.G.X", {}),
        ("extDetails.odd", {"odd": 4}),
        ("extDetails.odd.x", {}),
    ],
)
async def test_extended_details_are_there_if_they_are_asked_for(prop: str, told: object) -> None:
    text = json.dumps({"identity": "a", "extDetails": EXTENDED, "details": {"x": "extdetails"}})
    (found,) = json.loads(await listed([session("a", text)], prop=prop))["sessions"]
    assert found == {"identity": "a", "extDetails": told, "details": {"x": "extdetails"}}
    assert json.loads(await listed([session("a", text)]))["sessions"][0]["extDetails"] == {}
