"""What is known of a session: its JSON, its time range, its runs, and when it is over."""

from __future__ import annotations

import pytest

from rta.ports import START, Entry, Position, SessionRecord
from rta.session import summary
from rta.wire import TimeRange

from .simulation import (
    ALL,
    CLOSED,
    OPEN,
    Actor,
    Table,
    at,
    counted,
    json_data,
    only,
    own_ranges,
    pack_raw,
    record,
    samples,
)

LINGER = 5.0


def released(table: Table, actor: Actor, now: float) -> bool:
    table.feed.release_finished(now, LINGER)
    return actor.client.leaving is not None


# ---- the end of a session


def test_an_open_session_is_never_finished() -> None:
    table = Table()
    actor = table.following()
    assert not released(table, actor, 1e9)


def test_the_linger_counts_from_the_closed_json_when_it_came_last() -> None:
    table = Table()
    actor = table.following(ALL)
    table.now = 100.0
    table.publish(json_data(CLOSED))
    assert not released(table, actor, 104.9)
    assert released(table, actor, 105.0)


def test_the_linger_counts_from_the_end_of_the_back_fill_when_that_was_last() -> None:
    table = Table(about=record(CLOSED))
    table.publish(samples(1, 1))
    actor = table.following()
    table.feed.catch_up.widen(actor.client, only(1), START)
    assert not released(table, actor, 1000.0)
    actor.run(90.0)
    assert not released(table, actor, 1000.0)
    actor.settle(100.0)
    assert not released(table, actor, 104.9)
    assert released(table, actor, 105.0)


def test_the_linger_counts_from_when_the_client_came_if_that_was_last() -> None:
    table = Table(about=record(CLOSED))
    actor = table.client()
    actor.settle(100.0)
    assert not released(table, actor, 104.9)
    assert released(table, actor, 105.0)


def test_a_client_is_not_finished_while_its_socket_is_full() -> None:
    table = Table()
    actor = table.following(ALL, room=0)
    table.publish(json_data(CLOSED))
    assert not released(table, actor, 1000.0)
    actor.socket.open_up()
    actor.settle(1000.0)
    assert not released(table, actor, 1004.9)
    assert released(table, actor, 1005.0)


def test_an_open_json_reopens_the_session() -> None:
    table = Table(about=record(CLOSED))
    actor = table.following()
    table.publish(json_data(OPEN))
    assert not released(table, actor, 1000.0)
    table.now = 2000.0
    table.publish(json_data(CLOSED))
    assert not released(table, actor, 2004.9)
    assert released(table, actor, 2005.0)


@pytest.mark.parametrize("state", ['"truncated"', '"Failed"', '"ABANDONED"', "4", "12"])
def test_every_closed_state_closes(state: str) -> None:
    table = Table(about=record(f'{{"identity":"s","State":{state}}}'))
    assert table.feed.summary.closed_since is not None


@pytest.mark.parametrize("state", ['"waiting"', '"unknown"', '"melted"', "2", "null"])
def test_no_other_state_closes(state: str) -> None:
    table = Table(about=record(f'{{"identity":"s","state":{state}}}'))
    assert table.feed.summary.closed_since is None


# ---- the record beside the stream

NEWS = '{"identity":"s","state":"open","details":{"weather":"rain"}}'


def test_a_differing_json_is_believed_at_the_second_look() -> None:
    table = Table()
    actor = table.following()
    assert table.feed.state.reconcile(record(NEWS), 1.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN]
    assert table.feed.state.reconcile(record(NEWS), 2.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN, NEWS]
    assert actor.socket.received.messages[-1].only == "session_json"


def test_a_believed_json_is_not_told_again() -> None:
    table = Table()
    actor = table.following()
    for now in range(5):
        table.feed.state.reconcile(record(NEWS), float(now))
        table.settle()
    assert actor.socket.received.session_jsons == [OPEN, NEWS]


def test_the_record_is_not_believed_when_the_stream_has_brought_a_json_since_the_first_look() -> None:
    table = Table()
    actor = table.following()
    table.feed.state.reconcile(record(NEWS), 1.0)
    table.publish(json_data(CLOSED))
    table.feed.state.reconcile(record(NEWS), 2.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN, CLOSED]


def test_a_record_that_agrees_again_ends_the_doubt() -> None:
    table = Table()
    actor = table.following()
    for text in (NEWS, OPEN, NEWS):
        table.feed.state.reconcile(record(text), 1.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN]


def test_two_different_jsons_are_not_two_looks() -> None:
    table = Table()
    actor = table.following()
    for text in (NEWS, CLOSED):
        table.feed.state.reconcile(record(text), 1.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN]


def test_the_first_json_ever_is_believed_at_once() -> None:
    table = Table(about=record(json=None))
    table.feed.state.reconcile(record(OPEN), 1.0)
    assert table.feed.summary.json == OPEN


def test_the_records_time_range_expands_what_is_known() -> None:
    table = Table(about=record(span=TimeRange(10, 20)))
    actor = table.following()
    table.feed.state.reconcile(record(span=TimeRange(5, 15)), 1.0)
    table.feed.fan_out.tell_ranges(1.0)
    assert own_ranges(actor) == [TimeRange(10, 20), TimeRange(5, 20)]


def test_a_closed_json_in_the_record_closes_the_session() -> None:
    table = Table()
    actor = table.following()
    for now in (1.0, 2.0):
        table.feed.state.reconcile(record(CLOSED), now)
    table.settle()
    assert table.feed.summary.closed_since == 2.0
    assert released(table, actor, 7.0)


def test_a_client_behind_does_not_end_with_an_older_json_than_the_records() -> None:
    table = Table()
    actor = table.following(room=0)
    table.publish(json_data(CLOSED))
    for now in (1.0, 2.0):
        table.feed.state.reconcile(record(NEWS), now)
    actor.socket.open_up()
    actor.settle(3.0)
    assert actor.socket.received.session_jsons[-1] == NEWS == table.feed.summary.json


def test_a_record_of_another_run_is_not_ours_to_reconcile() -> None:
    table = Table()
    assert not table.feed.state.reconcile(record(NEWS, session_id=2), 1.0)
    assert not table.feed.state.reconcile(record(NEWS, stream="b"), 1.0)
    assert table.feed.summary.json == OPEN


# ---- each session JSON is parsed once: it may be megabytes long


def test_a_session_json_that_comes_by_the_stream_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    for want in (ALL, only(1), only(2)):
        table.following(want)
    stalled = table.following(ALL, room=0)
    parsed = counted(monkeypatch, summary, "glance")
    table.publish(json_data(CLOSED), samples(1, 1))
    stalled.socket.open_up()
    table.settle()
    table.feed.state.reconcile(record(CLOSED), 1.0)
    assert stalled.socket.received.session_jsons[-1] == CLOSED
    assert len(parsed) == 1


def test_a_session_json_of_the_record_is_parsed_once_however_often_it_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table()
    table.following(ALL)
    parsed = counted(monkeypatch, summary, "glance")
    for now in range(5):
        table.feed.state.reconcile(record(NEWS), float(now))
        table.settle()
    assert table.feed.summary.json == NEWS
    assert len(parsed) == 1


# ---- a session that runs again


def rerun(stream: str = "b", session_id: int = 2, start: Position = START) -> SessionRecord:
    return record(NEWS, stream=stream, session_id=session_id, start=start)


def test_a_live_client_goes_on_with_the_new_run_on_the_same_connection() -> None:
    table = Table()
    actor = table.following(ALL)
    table.publish(samples(1, 1))
    table.move(rerun())
    table.publish(samples(1, 2))
    table.settle()
    table.publish(samples(1, 3))
    assert actor.socket.received.tags == [1, 2, 3]
    assert actor.socket.received.session_jsons == [OPEN, NEWS]


def test_whoever_is_behind_reads_the_old_run_to_its_end_first() -> None:
    table = Table(ring_bytes=2000)
    actor = table.following(ALL, room=0)
    for tag in range(1, 20):
        table.publish(samples(1, tag))
    table.move(rerun())
    for tag in range(20, 30):
        table.publish(samples(1, tag))
    actor.socket.open_up()
    actor.settle(1.0)
    assert actor.socket.received.tags == list(range(1, 30))


def test_two_restarts_in_a_row_are_followed_through() -> None:
    table = Table()
    actor = table.following(ALL, room=0)
    table.publish(samples(1, 1))
    table.move(rerun())
    table.publish(samples(1, 2))
    table.move(rerun("a", 3, table.head))
    table.publish(samples(1, 3))
    actor.socket.open_up()
    actor.settle(1.0)
    assert actor.socket.received.tags == [1, 2, 3]


def test_what_the_new_run_had_before_it_was_noticed_is_delivered_too() -> None:
    table = Table()
    actor = table.following(ALL)
    table.entries["b"] = [Entry(at(i), 2, pack_raw([samples(1, i)])) for i in (1, 2, 3)]
    table.feed.state.move(rerun(), at(2), 1.0)
    table.feed.fan_out.deliver((table.entries["b"][2],), 1.0)
    table.settle()
    assert sorted(actor.socket.received.tags) == [1, 2, 3]


def test_the_old_run_is_not_back_filled_once_the_client_is_in_the_new_one() -> None:
    table = Table()
    actor = table.following(only(2))
    table.publish(samples(1, 1))
    table.move(rerun())
    table.settle()
    table.publish(samples(1, 2))
    table.feed.catch_up.widen(actor.client, only(1), START)
    table.settle()
    assert actor.socket.received.tags == [2]


def test_an_open_json_of_a_new_run_reopens_the_session() -> None:
    table = Table(about=record(CLOSED))
    table.move(rerun())
    assert table.feed.summary.closed_since is None
