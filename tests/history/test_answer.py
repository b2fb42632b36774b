"""The answer to a fetch, message by message."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.history.answer import NOTHING, HistoryAnswer, step
from rta.history.request import Range
from rta.rsmp.payload import MAX_PAYLOAD, iso
from tests.history.kept import SECOND, Kept

LIVE = ("car.engine", "live")


EVERYTHING = Range()


def answered(kept: Kept, asked: Range = EVERYTHING, limit: int = MAX_PAYLOAD) -> list[dict[str, Any]]:
    answer = HistoryAnswer(LIVE, asked)
    messages: list[bytes] = []
    while not answer.done:
        answer, more = step(kept, answer, limit)  # type: ignore[arg-type]
        messages += more
    assert all(len(m) <= MAX_PAYLOAD for m in messages)
    return [cbor2.loads(m) for m in messages]


def entries(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [e for m in messages for e in m["entries"]]


def filled(count: int, text: str = "") -> Kept:
    kept = Kept()
    kept.fill(LIVE, count, text)
    return kept


def test_an_answer_that_fits_into_one_message():
    assert answered(filled(2)) == [
        {
            "entries": [
                {"ts": "1970-01-01T00:00:00.000Z", "next_ts": "1970-01-01T00:00:01.000Z", "values": {"n": 0}, "seq": 1},
                {"ts": "1970-01-01T00:00:01.000Z", "next_ts": None, "values": {"n": 1}, "seq": 2},
            ],
            "complete": True,
            "beginning": True,
            "end": True,
        }
    ]


def test_where_there_is_nothing_it_is_one_empty_message():
    assert answered(Kept()) == [{"entries": [], "complete": True}]
    assert answered(filled(5), Range(since=5 * SECOND)) == [{"entries": [], "complete": True}]
    assert cbor2.loads(NOTHING) == {"entries": [], "complete": True}


@pytest.mark.parametrize(
    ("asked", "numbers", "flags"),
    [
        (EVERYTHING, [0, 1, 2, 3], {"beginning", "end"}),
        (Range(since=0), [0, 1, 2, 3], {"beginning", "end"}),
        (Range(since=1), [1, 2, 3], {"end"}),
        (Range(until=3 * SECOND), [0, 1, 2], {"beginning"}),
        (Range(SECOND, 3 * SECOND), [1, 2], set()),
        (Range(SECOND, SECOND + 1), [1], set()),
    ],
)
def test_from_is_included_and_to_is_not(asked, numbers, flags):
    (message,) = answered(filled(4), asked)
    assert [e["values"]["n"] for e in message["entries"]] == numbers
    assert message.keys() - {"entries", "complete"} == flags


def test_the_time_of_the_next_entry_is_given_also_where_that_was_not_asked_for():
    (message,) = answered(filled(4), Range(until=SECOND))
    assert message["entries"][0]["next_ts"] == iso(SECOND)  # type: ignore[arg-type]


def test_a_long_answer_is_many_messages_of_which_the_last_is_complete():
    messages = answered(filled(3000, "x" * 100))
    assert [e["values"]["n"] for e in entries(messages)] == list(range(3000))
    assert [m["complete"] for m in messages] == [False] * (len(messages) - 1) + [True]
    assert [i for i, m in enumerate(messages) if m.get("beginning")] == [0]
    assert [i for i, m in enumerate(messages) if m.get("end")] == [len(messages) - 1]


@pytest.mark.parametrize("count", [49, 50, 51, 549, 550, 551])
def test_no_message_is_empty_where_chunks_end_with_the_range(count):
    messages = answered(filled(count))
    assert [e["values"]["n"] for e in entries(messages)] == list(range(count))
    assert all(m["entries"] for m in messages)
    assert messages[-1]["complete"]
    assert messages[-1]["end"]


def test_large_entries_are_read_in_small_chunks():
    kept, answer = filled(300, "x" * 30_000), HistoryAnswer(LIVE, EVERYTHING)
    answer, _ = step(kept, answer)  # type: ignore[arg-type]
    while not answer.done:
        answer, messages = step(kept, answer)  # type: ignore[arg-type]
        assert sum(map(len, messages)) < 512 << 10
    assert answer.entries == 300


def test_an_entry_that_no_message_can_hold_is_left_out_and_counted():
    kept = Kept()
    for i, size in enumerate([70_000, 10, 70_000, 10, 70_000]):
        kept.record(LIVE, i * SECOND, {"n": i, "text": "x" * size})
    answer = HistoryAnswer(LIVE, EVERYTHING)
    answer, payloads = step(kept, answer)  # type: ignore[arg-type]
    messages = [cbor2.loads(m) for m in payloads]
    assert answer.done
    assert [e["values"]["n"] for e in entries(messages)] == [1, 3]
    assert (answer.entries, answer.oversize) == (2, 3)
    assert messages[-1] == {"entries": [], "complete": True}
    assert not any("beginning" in m or "end" in m for m in messages)


def test_messages_can_be_made_smaller_and_entries_that_are_larger_go_alone():
    kept = filled(20, "x" * 1000)
    kept.record(LIVE, 20 * SECOND, {"n": 20, "text": "x" * 10_000})
    messages = answered(kept, limit=4096)
    assert [e["values"]["n"] for e in entries(messages)] == list(range(21))
    assert all(len(cbor2.dumps(m)) <= 4096 for m in messages[:-1])
    assert len(messages[-1]["entries"]) == 1


def test_what_is_recorded_meanwhile_is_not_part_of_it():
    kept, answer = filled(100), HistoryAnswer(LIVE, EVERYTHING)
    answer, messages = step(kept, answer)  # type: ignore[arg-type]
    kept.fill(LIVE, 10)
    while not answer.done:
        answer, more = step(kept, answer)  # type: ignore[arg-type]
        messages += more
    assert answer.entries == 100


def test_what_is_trimmed_meanwhile_is_just_not_there():
    kept, answer = filled(3000), HistoryAnswer(LIVE, EVERYTHING)
    answer, messages = step(kept, answer)  # type: ignore[arg-type]
    kept.trim(LIVE, 2000)
    while not answer.done:
        answer, more = step(kept, answer)  # type: ignore[arg-type]
        messages += more
    numbers = [e["values"]["n"] for m in messages for e in cbor2.loads(m)["entries"]]
    assert numbers == [*range(50), *range(2000, 3000)]


def test_a_stream_that_is_removed_meanwhile_ends_the_answer():
    kept, answer = filled(3000), HistoryAnswer(LIVE, EVERYTHING)
    answer, messages = step(kept, answer)  # type: ignore[arg-type]
    kept.forget(LIVE)
    kept.fill(LIVE, 10)
    while not answer.done:
        answer, more = step(kept, answer)  # type: ignore[arg-type]
        messages += more
    assert cbor2.loads(messages[-1])["complete"] is True
    assert answer.entries == 50


@settings(max_examples=examples(60), deadline=None)
@given(
    times=st.lists(st.integers(-5, 30), max_size=200),
    since=st.none() | st.integers(-6, 31),
    until=st.none() | st.integers(-6, 31),
    size=st.sampled_from([0, 3000, 20_000]),
    limit=st.sampled_from([4096, 20_000, MAX_PAYLOAD]),
)
def test_an_answer_is_what_matches_in_recording_order(times, since, until, size, limit):
    kept = Kept()
    for i, second in enumerate(times):
        kept.record(LIVE, second * SECOND, {"n": i, "text": "x" * size})
    asked = Range(*(None if t is None else t * SECOND for t in (since, until)))  # type: ignore[arg-type]
    messages = answered(kept, asked, limit)
    matching = [
        i for i, t in enumerate(times) if (since is None or t >= since) and (until is None or t < until)
    ]  # fmt: skip
    assert [e["values"]["n"] for e in entries(messages)] == matching
    assert [e["next_ts"] for e in entries(messages)] == [
        iso(times[i + 1] * SECOND) if i + 1 < len(times) else None  # type: ignore[arg-type]
        for i in matching
    ]
    assert ("beginning" in messages[0]) == (matching[:1] == [0])
    assert ("end" in messages[-1]) == (bool(matching) and matching[-1] == len(times) - 1)
    assert [m["complete"] for m in messages] == [False] * (len(messages) - 1) + [True]
