"""The list of sessions, whatever is in their JSON."""

import json

import pytest

from rta.ports import START, SessionRecord
from rta.rest.sessions import Page, SessionCatalogue, list_sessions


def record(text: str | None) -> SessionRecord:
    return SessionRecord("s", "stream", 1, START, 0, text)


def identities(records: list[SessionRecord], page: Page | None = None) -> list[object]:
    return [json.loads(r.json or "")["identity"] for r in list_sessions(records, page or Page())]


def session(identity: str, **fields: object) -> SessionRecord:
    return record(json.dumps({"identity": identity, "timestamp": "2026-01-01T00:00:00Z", **fields}))


@pytest.mark.parametrize("text", [None, "", "nonsense", "[]", '{"identity": "x", "quality": NaN}', "[" * 100_000])
def test_what_is_no_json_object_is_left_out(text: str | None) -> None:
    assert identities([record(text), session("a")]) == ["a"]


@pytest.mark.parametrize("odd", ['{"identity": ["x"]}', '{"identity": "x", "timestamp": 1' + "0" * 400 + "}"])
def test_an_odd_session_does_not_spoil_the_list(odd: str) -> None:
    assert "a" in identities([record(odd), session("a")])


async def test_the_json_is_passed_on_as_it_was_written() -> None:
    text = '{ "Identity":"a",  "timestamp":"2026-01-01T00:00:00.1234567Z" }'

    async def read() -> list[SessionRecord]:
        return [record(text)]

    assert await SessionCatalogue(read).list(Page()) == '{"sessions":[' + text + "]}"


def test_the_newest_come_first_and_children_do_not_come_at_all() -> None:
    old = session("old", timestamp="2020-01-01T00:00:00Z", children=["child"])
    assert identities([old, session("new"), session("child")]) == ["new", "old"]


def test_sorting_and_paging() -> None:
    found = [session(i, version=n) for n, i in enumerate("abcd")]
    assert identities(found, Page(1, 2, ("version:desc",))) == ["b", "a"]
    assert identities(found, Page(0, None, ("what:asc", "identity:asc"))) == ["a", "b", "c", "d"]


def test_a_property_that_is_named_again_changes_nothing() -> None:
    found = [session(i, version=n % 2) for n, i in enumerate("abcd")]
    again = ("version:desc", "identity:desc", "version:asc", "identity:asc") * 1000
    assert identities(found, Page(0, None, again)) == ["d", "b", "c", "a"]
