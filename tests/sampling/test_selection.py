"""Which session a status looks at."""

from __future__ import annotations

import json

import pytest

from rta.ports import Position, SessionRecord
from rta.sampling.selection import choose, followed_next, open_sessions
from rta.sampling.sources import Selector

NEWEST = Selector()


def record(identity: str, timestamp: str = "2026-01-01T00:00:00Z", at: int = 1, **more: object) -> SessionRecord:
    document = {"identity": identity, "state": "open", "timestamp": timestamp, **more}
    return SessionRecord(identity, "s", 1, Position(at, 0), 0, json.dumps(document))


def chosen(selector: Selector, *records: SessionRecord) -> str | None:
    return choose(selector, open_sessions(records))


def test_the_newest_is_the_one_that_began_last_by_its_own_word() -> None:
    older, newer = record("older", "2026-01-01T12:00:00+02:00", at=9), record("newer", "2026-01-01T10:30:00.5Z", at=1)
    assert chosen(NEWEST, older, newer) == chosen(NEWEST, newer, older) == "newer"


def test_of_two_that_began_at_once_the_one_that_came_last_is_the_newest() -> None:
    assert chosen(NEWEST, record("b", at=2), record("a", at=3)) == "a"


def test_one_that_does_not_say_when_it_began_is_older_than_all() -> None:
    assert chosen(NEWEST, record("b", "yesterday", at=9), record("a", "1970-01-02T00:00:00Z")) == "a"
    assert chosen(NEWEST, record("b", "yesterday")) == "b"


@pytest.mark.parametrize("state", ["closed", "TRUNCATED", 12, "abandoned"])
def test_a_closed_session_is_not_chosen(state: object) -> None:
    assert chosen(NEWEST, record("a", state=state)) is None
    assert chosen(Selector(None, "a"), record("a", state=state)) is None


def test_an_identity_is_that_session_however_old() -> None:
    assert chosen(Selector(None, "a"), record("b", "2026-02-01T00:00:00Z"), record("a")) == "a"
    assert chosen(Selector(None, "c"), record("a")) is None


def test_details_are_compared_as_text_and_all_must_hold() -> None:
    car = record("a", details={"vehicle": "WRX", "year": 2020, "wet": True})
    assert chosen(Selector(details={"vehicle": "WRX", "year": "2020", "wet": "true"}), car) == "a"
    assert chosen(Selector(details={"vehicle": "WRX", "year": "2021"}), car) is None
    assert chosen(Selector(details={"driver": "A. Smith"}), car) is None


@pytest.mark.parametrize("text", [None, "", "[1]", "{", "[" * 100_000])
def test_a_session_without_readable_json_is_none(text: str | None) -> None:
    assert open_sessions([SessionRecord("a", "s", 1, Position(1, 0), 0, text)]) == []


@pytest.mark.parametrize(
    ("current", "newest", "closed_for", "done", "follows"),
    [
        (None, "b", None, False, "b"),
        (None, None, None, False, None),
        ("a", "b", None, False, "b"),
        ("a", None, None, False, "a"),
        ("a", "b", 1.0, False, "a"),  # it has ended, but not all of it has come
        ("a", "b", 1.0, True, "b"),
        ("a", None, 4.9, True, "a"),  # there is no other
        ("a", None, 5.0, True, None),
    ],
)
def test_which_session_is_followed_next(current, newest, closed_for, done, follows) -> None:
    assert followed_next(current, newest, closed_for, done) == follows
