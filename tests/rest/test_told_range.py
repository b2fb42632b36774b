"""The time range in a session JSON is the one that the stream tells; everything else stays as it was written."""

import json
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from rta.clock_bounds import ClockBounds
from rta.ports import START, SessionRecord
from rta.rest.sessions import SessionCatalogue
from rta.rest.told_range import find_slot
from rta.session_query import read_list_request
from rta.wire import TimeRange, glance

SPAN = TimeRange(5, 9)


def filled(text: str, span: TimeRange | None = SPAN) -> str:
    slot = find_slot(text)
    assert slot is not None
    return slot.fill(text, span)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{}", '{"timeRange":{"startTime":5,"endTime":9}}'),
        ('{"a":1}', '{"a":1,"timeRange":{"startTime":5,"endTime":9}}'),
        (' { "a" : "}" } ', ' { "a" : "}","timeRange":{"startTime":5,"endTime":9} } '),
        ('{"timeRange":null,"a":1.10}', '{"timeRange":{"startTime":5,"endTime":9},"a":1.10}'),
        (
            '{"TIMERANGE" : {"STARTTIME":6, "endtime":20, "note":"é"}, "a":[]}',
            '{"TIMERANGE" : {"startTime":5,"endTime":20,"note":"\\u00e9"}, "a":[]}',
        ),
        ('{"timeRange":1,"x":{"timeRange":2},"timeRange":3}', None),
    ],
)
def test_the_range_is_put_where_it_belongs(written: str, told: str | None) -> None:
    if told is None:
        told = '{"timeRange":1,"x":{"timeRange":2},"timeRange":{"startTime":5,"endTime":9}}'
    assert filled(written) == told
    assert glance(filled(written)).span is not None


@pytest.mark.parametrize("span", [None, TimeRange(6, 7), TimeRange(5, 9)])
def test_where_the_json_says_so_already_it_stays_as_it_is(span: TimeRange | None) -> None:
    text = '{"timeRange" : {"endTime":9, "startTime":5},  "timestamp":"2026-01-01T00:00:00.1234567Z"}'
    assert filled(text, span) is text


values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
spans = st.builds(lambda start, length: TimeRange(start, start + length), st.integers(0, 1 << 62), st.integers(0, 99))
keys = st.text(max_size=4) | st.sampled_from(["timeRange", "timerange", "x"])


@given(st.dictionaries(keys, values, max_size=5), st.none() | spans, spans, st.sampled_from([None, 2]))
def test_nothing_else_changes(
    document: dict[str, Any], own: TimeRange | None, span: TimeRange, indent: int | None
) -> None:
    document = {k: v for k, v in document.items() if k.lower() != "timerange"}
    if own is not None:
        document["TimeRange"] = {"startTime": own.start, "endTime": own.end}
    text = json.dumps(document, indent=indent)
    told = json.loads(filled(text, span))
    assert glance(filled(text, span)).span == TimeRange.union_of(own, span)
    document.pop("TimeRange", None)
    assert {k: v for k, v in told.items() if k.lower() != "timerange"} == document


def test_a_json_of_very_many_keys_is_passed_on_as_it_is() -> None:
    fields = {str(i): i for i in range(1001)}
    assert find_slot(json.dumps(fields)) is None


async def test_a_list_has_the_ranges_of_the_moment(autojump_clock: MockClock) -> None:
    span = TimeRange(5, 9)

    async def read() -> list[SessionRecord]:
        return [SessionRecord("a", "s", 1, START, 0, '{"identity":"a"}', span)]

    catalogue = SessionCatalogue(read)
    assert '"endTime":9' in await catalogue.list(read_list_request([]))
    span = TimeRange(5, 10)
    await trio.sleep(0.001)
    assert '"endTime":10' in await catalogue.list(read_list_request([]))


@pytest.mark.parametrize("text", ["nonsense", "[]", "[" * 50_000])
async def test_what_is_no_json_object_is_passed_on_as_it_is(text: str) -> None:
    async def read() -> list[SessionRecord]:
        raise AssertionError("nothing is listed")

    assert await SessionCatalogue(read).text(SessionRecord("a", "s", 1, START, 0, text, SPAN)) == text


@pytest.mark.processes
async def test_a_large_json_has_its_range_too() -> None:
    async def read() -> list[SessionRecord]:
        raise AssertionError("nothing is listed")

    text = json.dumps({"identity": "a", "details": {str(n): n for n in range(20_000)}})
    told = json.loads(await SessionCatalogue(read).text(SessionRecord("a", "s", 1, START, 0, text, SPAN)))
    assert told["timeRange"] == {"startTime": 5, "endTime": 9}


async def test_a_time_that_cannot_be_right_does_not_stretch_it() -> None:
    now = 1_700_000_000_000

    async def read() -> list[SessionRecord]:
        raise AssertionError("nothing is listed")

    record = SessionRecord("a", "s", 1, START, now, '{"identity":"a"}', TimeRange(30, now * 10**6))
    told = json.loads(await SessionCatalogue(read).text(record))["timeRange"]
    assert told == {"startTime": now * 10**6, "endTime": now * 10**6}
    told = json.loads(await SessionCatalogue(read, ClockBounds(None, None)).text(record))["timeRange"]
    assert told == {"startTime": 30, "endTime": now * 10**6}
