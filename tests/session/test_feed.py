"""The feed: what each client is told, when, and what one client's troubles mean for the others."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from rta.ports import START, CloseCode, Entry, Position, SessionRecord
from rta.session import chunks
from rta.session.client import Gone, Idle, ReadLog
from rta.session.feed import MAX_BACK_FILLS, RANGE_INTERVAL
from rta.wire import TimeRange
from rta.wire.layout import LayoutCache

from .simulation import (
    ALL,
    MS,
    Actor,
    Table,
    event,
    json_data,
    only,
    pack_raw,
    payloads,
    range_data,
    record,
    samples,
    tag_of,
)

OPEN = '{"identity":"s","state":"open"}'
CLOSED = '{"identity":"s","state":"closed"}'
LINGER = 5.0


def at(ms: int) -> Position:
    return Position(MS + ms, 0)


# ---- the opening


def test_the_first_message_is_the_session_json_alone_and_the_second_the_time_range_alone() -> None:
    table = Table(about=record(span=TimeRange(10, 20)))
    actor = table.client()
    actor.settle(0.0)
    received = actor.socket.received
    assert [m.only for m in received.messages] == ["session_json", "time_range"]
    assert received.session_jsons == [record().json]
    assert received.time_ranges == [TimeRange(10, 20)]


def test_without_a_time_range_there_is_only_the_session_json() -> None:
    actor = Table().client()
    actor.settle(0.0)
    assert [m.only for m in actor.socket.received.messages] == ["session_json"]


def test_the_session_json_is_forwarded_byte_for_byte() -> None:
    text = '{ "state":2,"IDENTITY":"s",\n"x": null, "timestamp":"2021-05-04T11:50:55.1234567Z"}'
    actor = Table(about=record(text)).client()
    actor.settle(0.0)
    assert actor.socket.received.session_jsons == [text]


def test_a_joining_client_gets_the_union_of_what_record_json_and_stream_say() -> None:
    text = '{"identity":"s","state":"open","timeRange":{"startTime":5,"endTime":12}}'
    table = Table(about=record(text, span=TimeRange(10, 20)))
    table.publish(range_data(30, 40))
    table.publish(samples(1, 1), range_data(15, 25))
    actor = table.client()
    actor.settle(0.0)
    assert actor.socket.received.time_ranges == [TimeRange(5, 40)]


def test_nothing_but_session_json_and_time_range_comes_before_a_subscription() -> None:
    table = Table()
    actor = table.following()
    table.publish(samples(1, 1), event(2), range_data(1, 2))
    table.feed.tell_ranges(1.0)
    assert actor.socket.received.items == []
    assert actor.socket.received.time_ranges == [TimeRange(1, 2)]


def test_a_session_json_update_reaches_those_who_have_subscribed_nothing() -> None:
    table = Table()
    actor = table.following()
    table.publish(samples(1, 1), json_data(CLOSED))
    assert actor.socket.received.session_jsons == [OPEN, CLOSED]
    assert actor.socket.received.items == []


def test_a_session_json_that_comes_before_the_first_is_written_comes_once() -> None:
    table = Table()
    actor = table.client()
    table.publish(json_data(CLOSED))
    actor.settle(0.0)
    assert actor.socket.received.session_jsons in ([OPEN, CLOSED], [CLOSED])


def test_a_session_without_json_cannot_be_streamed_until_it_has_one() -> None:
    table = Table(about=record(json=None))
    assert not table.feed.streamable
    table.publish(json_data(OPEN))
    assert table.feed.streamable


# ---- observers


def test_an_observer_gets_every_entry_from_now_on_in_order_whatever_is_in_it() -> None:
    table = Table()
    table.publish(samples(1, 1))
    seen: list[Entry] = []
    table.feed.observe(seen.append)
    entries = [table.publish(item) for item in (samples(1, 2), range_data(1, 2), json_data(CLOSED), event(3))]
    assert seen == entries


def test_an_observer_finds_the_session_as_it_is_with_the_entry() -> None:
    table = Table()
    seen: list[str | None] = []
    table.feed.observe(lambda entry: seen.append(table.feed.json))
    table.publish(json_data(CLOSED))
    assert seen == [CLOSED]


def test_an_observer_that_has_ended_gets_nothing_more_and_the_others_do() -> None:
    table = Table()
    first, second = [], []
    end = table.feed.observe(first.append)
    table.feed.observe(second.append)
    table.publish(samples(1, 1))
    end()
    end()
    table.publish(samples(1, 2))
    assert (len(first), len(second)) == (1, 2)


def test_a_feed_is_wanted_while_it_has_clients_or_observers() -> None:
    table = Table()
    assert not table.feed.wanted
    end = table.feed.observe(lambda entry: None)
    assert table.feed.wanted
    end()
    assert not table.feed.wanted
    table.client()
    assert table.feed.wanted


# ---- the leading edge


def test_a_live_client_gets_a_burst_at_once_without_being_woken() -> None:
    table = Table()
    actor = table.following(only(1))
    table.publish(samples(1, 7))
    assert actor.socket.received.tags == [7]
    assert actor.idle


def test_a_burst_goes_out_in_the_ingests_own_bytes() -> None:
    table = Table()
    actor = table.following(ALL)
    since = len(actor.socket.stream)
    entry = table.publish(samples(1, 7), range_data(1, 2), event(8))
    assert payloads(actor.socket, since) == [entry.burst.packed]


def test_a_frame_that_was_begun_is_finished_before_anything_else() -> None:
    table = Table()
    actor = table.following(ALL, room=5)
    for tag in range(1, 6):
        table.publish(samples(1, tag))
    actor.socket.drain(3)
    actor.settle(0.0)
    actor.socket.open_up()
    actor.settle(0.0)
    assert actor.socket.received.tags == [1, 2, 3, 4, 5]


def test_a_client_off_the_ring_is_brought_back_from_the_log() -> None:
    table = Table(ring_bytes=2000)
    actor = table.following(ALL, room=0)
    for tag in range(1, 50):
        table.publish(samples(1, tag))
    actor.socket.open_up()
    actor.settle(0.0)
    assert actor.socket.received.tags == list(range(1, 50))
    assert table.tally.rewound
    table.publish(samples(1, 50))
    assert actor.socket.received.tags[-1] == 50


def fallen_off(table: Table) -> Actor:
    """A client that has missed more than ring and log hold."""
    actor = table.following(ALL, room=0)
    for tag in range(1, 50):
        table.publish(samples(1, tag))
    table.trim(at(20))
    actor.socket.open_up()
    actor.settle(0.0)
    return actor


def test_a_client_off_the_log_is_told_and_closed() -> None:
    table = Table(ring_bytes=2000)
    table.publish(event(99))
    assert fallen_off(table).gone is not None


def test_the_close_code_says_that_it_fell_behind() -> None:
    table = Table(ring_bytes=2000)
    table.publish(event(99))
    gone = fallen_off(table).gone
    assert gone is not None
    assert gone.code == CloseCode.FELL_BEHIND
    assert gone.reason


@pytest.mark.parametrize("start", [START, Position(MS, 0)], ids=["on a new stream", "on an old stream"])
def test_a_client_that_came_before_the_first_entry_is_told_of_a_gap_too(start: Position) -> None:
    table = Table(ring_bytes=2000, about=record(start=start), position=START)
    assert fallen_off(table).gone is not None


def test_everybody_is_told_when_the_reader_itself_has_lost_entries() -> None:
    table = Table()
    actors = [table.following(only(n)) for n in range(3)]
    table.feed.lose()
    table.settle()
    assert all(a.gone is not None and a.gone.code == CloseCode.FELL_BEHIND for a in actors)


def test_nothing_from_behind_a_gap_is_sent() -> None:
    table = Table()
    actor = table.following(ALL)
    table.feed.lose()
    table.publish(samples(1, 1))
    table.settle()
    assert actor.socket.received.tags == []
    assert actor.gone is not None


def test_a_client_on_its_way_out_gets_what_it_is_owed_first() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.client()
    table.feed.widen(actor.client, ALL, START)
    actor.client.leaving = Gone(CloseCode.GOING_AWAY, "shutting down")
    actor.settle(0.0)
    assert actor.socket.received.tags == [1]
    assert actor.gone == Gone(CloseCode.GOING_AWAY, "shutting down")


# ---- subscriptions and back-fill


def test_a_subscription_brings_what_the_log_holds_and_then_what_comes() -> None:
    table = Table()
    for tag in (1, 2):
        table.publish(samples(tag, tag))
    actor = table.following(only(1), back_scan_from=START)
    table.publish(samples(1, 3), samples(2, 4))
    assert actor.socket.received.tags == [1, 3]


def test_back_fill_goes_no_further_back_than_it_was_asked_to() -> None:
    table = Table()
    for tag in range(1, 6):
        table.publish(samples(1, tag))
    actor = table.following(only(1), back_scan_from=at(3))
    assert actor.socket.received.tags == [3, 4, 5]


def test_the_leading_edge_does_not_wait_for_the_back_fill() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    table.feed.widen(actor.client, only(1), START)
    actor.run(0.0)
    assert isinstance(actor.fetch, ReadLog)
    table.publish(samples(1, 2))
    assert actor.socket.received.tags == [2]
    actor.settle(0.0)
    assert actor.socket.received.tags == [2, 1]


def test_each_widening_back_fills_only_what_is_new() -> None:
    table = Table()
    table.publish(samples(1, 1), samples(2, 2), event(3))
    actor = table.following(only(1), only(1, 2), ALL, ALL, back_scan_from=START)
    assert actor.socket.received.tags == [1, 2, 3]


def test_another_sessions_entries_are_not_back_filled() -> None:
    table = Table()
    table.entries["a"] = [Entry(at(1), 2, pack_raw([samples(1, 9)]))]
    table.publish(samples(1, 1))
    assert table.following(ALL, back_scan_from=START).socket.received.tags == [1]


def test_nothing_before_the_sessions_position_is_back_filled() -> None:
    table = Table(about=record(start=at(3)))
    table.entries["a"] = [Entry(at(0), 1, pack_raw([samples(1, 9)]))]
    for tag in range(1, 6):
        table.publish(samples(1, tag))
    assert table.following(ALL, back_scan_from=START).socket.received.tags == [3, 4, 5]


def test_too_many_widenings_at_once_are_refused_and_change_nothing() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    for channel in range(MAX_BACK_FILLS):
        assert table.feed.widen(actor.client, only(channel), START)
    before = actor.client.subscription
    assert not table.feed.widen(actor.client, only(1000), START)
    assert actor.client.subscription is before
    assert len(actor.client.back_fills) == MAX_BACK_FILLS


def test_widening_by_what_one_has_is_granted_even_then() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    for channel in range(MAX_BACK_FILLS):
        table.feed.widen(actor.client, only(channel), START)
    assert table.feed.widen(actor.client, only(3, 5), START)


def test_a_refused_widening_is_granted_when_the_first_back_fills_have_ended() -> None:
    table = Table()
    table.publish(samples(1000, 1))
    actor = table.following()
    for channel in range(MAX_BACK_FILLS):
        table.feed.widen(actor.client, only(channel), START)
    actor.settle(0.0)
    assert table.feed.widen(actor.client, only(1000), START)
    actor.settle(0.0)
    assert actor.socket.received.tags == [1]


def test_a_back_fill_that_is_overtaken_by_trimming_ends_in_a_gap_that_is_told() -> None:
    table = Table()
    for tag in range(1, 6):
        table.publish(samples(1, tag, 60_000))
    actor = table.following()
    table.feed.widen(actor.client, only(1), START)
    actor.socket.room = 100
    actor.settle(0.0)
    table.trim(at(4))
    actor.socket.open_up()
    actor.settle(0.0)
    assert actor.gone is not None
    assert actor.gone.code == CloseCode.FELL_BEHIND


def test_a_client_that_left_while_the_log_was_read_is_forgotten() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    table.feed.widen(actor.client, only(1), START)
    actor.run(0.0)
    fetch = actor.fetch
    assert fetch is not None
    batch = table.read(fetch)
    table.feed.detach(actor.client)
    assert table.feed.give(actor.client, fetch, batch) is None
    table.feed.detach(actor.client)
    assert not table.feed.clients
    assert not table.feed.views


# ---- time ranges


def own_ranges(actor: Actor) -> list[TimeRange]:
    """Those that came on their own."""
    return [
        TimeRange(m.data[0].time_range.start_time, m.data[0].time_range.end_time)
        for m in actor.socket.received.messages
        if m.only == "time_range"
    ]


def test_time_ranges_come_on_their_own_ten_times_a_second_at_most() -> None:
    table = Table()
    actor = table.following(now=-10.0)
    due: float | None = 0.0
    told: list[float] = []
    for ms in range(1000):
        now = ms / 1000
        table.publish(range_data(0, ms))
        if due is None or now >= due:
            before = len(own_ranges(actor)) if ms % 100 < 2 else None
            due = table.feed.tell_ranges(now)
            if before is not None and len(own_ranges(actor)) > before:
                told.append(now)
    assert len(own_ranges(actor)) == 10
    assert all(b - a >= RANGE_INTERVAL - 1e-9 for a, b in itertools.pairwise(told))


def test_the_last_time_range_is_told_when_its_time_has_come() -> None:
    table = Table()
    actor = table.following(now=-10.0)
    table.publish(range_data(0, 1))
    assert table.feed.tell_ranges(0.0) is None
    table.publish(range_data(0, 2))
    due = table.feed.tell_ranges(0.05)
    assert due == pytest.approx(RANGE_INTERVAL)
    assert table.feed.tell_ranges(due or 0.0) is None
    assert own_ranges(actor) == [TimeRange(0, 1), TimeRange(0, 2)]


def test_it_is_said_when_a_time_range_is_due() -> None:
    table = Table()
    table.following()
    before = table.ranges_due
    table.publish(range_data(0, 1))
    assert table.ranges_due == before + 1
    table.publish(range_data(0, 1))
    assert table.ranges_due == before + 1


def test_a_time_range_that_rode_in_a_forwarded_burst_does_not_come_again() -> None:
    table = Table()
    actor = table.following(only(1))
    table.publish(samples(1, 1), range_data(0, 5))
    table.feed.tell_ranges(10.0)
    assert actor.socket.received.time_ranges == [TimeRange(0, 5)]
    assert own_ranges(actor) == []


def test_those_who_did_not_get_the_burst_are_told_the_time_range() -> None:
    table = Table()
    actor, other = table.following(only(1)), table.following(only(2))
    table.publish(samples(1, 1), range_data(0, 5))
    table.feed.tell_ranges(10.0)
    assert own_ranges(actor) == []
    assert own_ranges(other) == [TimeRange(0, 5)]


def test_a_riding_time_range_does_not_stand_in_for_a_wider_one_that_was_still_to_be_told() -> None:
    table = Table()
    actor = table.following(only(1))
    table.publish(range_data(0, 100))
    table.publish(samples(1, 1), range_data(40, 50))
    table.feed.tell_ranges(10.0)
    assert TimeRange.union_of(*actor.socket.received.time_ranges) == TimeRange(0, 100)


def test_a_riding_time_range_does_not_stand_in_for_one_that_the_record_told() -> None:
    table = Table()
    actor = table.following(only(1))
    table.feed.reconcile(record(span=TimeRange(0, 100)), 1.0)
    table.publish(samples(1, 1), range_data(90, 110))
    table.feed.tell_ranges(10.0)
    assert TimeRange.union_of(*actor.socket.received.time_ranges) == TimeRange(0, 110)


def test_a_client_that_was_just_told_by_its_actor_is_not_told_again_at_once() -> None:
    table = Table(about=record(span=TimeRange(0, 1)))
    actor = table.following(now=1.0)
    table.publish(range_data(0, 2))
    due = table.feed.tell_ranges(1.05)
    assert own_ranges(actor) == [TimeRange(0, 1)]
    assert due is not None
    assert due >= 1.0 + RANGE_INTERVAL


def test_a_client_that_was_just_told_with_the_others_is_not_told_by_its_actor_at_once() -> None:
    table = Table()
    actor = table.following(now=-10.0)
    table.publish(range_data(0, 1))
    table.feed.tell_ranges(1.0)
    table.publish(range_data(0, 2))
    table.feed.widen(actor.client, only(1), table.head)
    actor.settle(1.05)
    assert own_ranges(actor) == [TimeRange(0, 1)]
    table.feed.tell_ranges(1.0 + RANGE_INTERVAL)
    assert own_ranges(actor) == [TimeRange(0, 1), TimeRange(0, 2)]


def test_back_fill_at_the_leading_edge_does_not_repeat_a_time_range_that_rode() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    table.feed.widen(actor.client, only(1), START)
    actor.run(0.0)
    table.publish(samples(1, 2), range_data(0, 5))
    actor.settle(10.0)
    table.feed.tell_ranges(20.0)
    assert actor.socket.received.tags == [2, 1]
    assert own_ranges(actor) == []


def test_a_client_that_was_away_is_told_the_time_range_when_it_is_back() -> None:
    table = Table()
    actor = table.following(room=0)
    table.publish(range_data(0, 1))
    table.feed.tell_ranges(1.0)
    table.publish(range_data(0, 9))
    actor.socket.open_up()
    actor.settle(2.0)
    table.feed.tell_ranges(3.0)
    assert own_ranges(actor)[-1] == TimeRange(0, 9)


# ---- the end of a session


def test_an_open_session_is_never_finished() -> None:
    table = Table()
    actor = table.following()
    assert not table.feed.finished(actor.client, 0.0, 1e9, LINGER)


def test_the_linger_counts_from_the_closed_json_when_it_came_last() -> None:
    table = Table()
    actor = table.following(ALL)
    table.now = 100.0
    table.publish(json_data(CLOSED))
    assert not table.feed.finished(actor.client, 50.0, 104.9, LINGER)
    assert table.feed.finished(actor.client, 50.0, 105.0, LINGER)


def test_the_linger_counts_from_the_end_of_the_back_fill_when_that_was_last() -> None:
    table = Table(about=record(CLOSED))
    table.publish(samples(1, 1))
    actor = table.following()
    table.feed.widen(actor.client, only(1), START)
    assert not table.feed.finished(actor.client, 0.0, 1000.0, LINGER)
    actor.run(90.0)
    assert not table.feed.finished(actor.client, 0.0, 1000.0, LINGER)
    actor.settle(100.0)
    assert not table.feed.finished(actor.client, 0.0, 104.9, LINGER)
    assert table.feed.finished(actor.client, 0.0, 105.0, LINGER)


def test_the_linger_counts_from_the_handshake_when_that_was_last() -> None:
    table = Table(about=record(CLOSED))
    actor = table.client()
    actor.settle(0.0)
    assert not table.feed.finished(actor.client, 100.0, 104.9, LINGER)
    assert table.feed.finished(actor.client, 100.0, 105.0, LINGER)


def test_a_client_is_not_finished_while_its_socket_is_full() -> None:
    table = Table()
    actor = table.following(ALL, room=0)
    table.publish(json_data(CLOSED))
    assert not table.feed.finished(actor.client, 0.0, 1000.0, LINGER)
    actor.socket.open_up()
    actor.settle(1000.0)
    assert not table.feed.finished(actor.client, 0.0, 1004.9, LINGER)
    assert table.feed.finished(actor.client, 0.0, 1005.0, LINGER)


def test_an_open_json_reopens_the_session() -> None:
    table = Table(about=record(CLOSED))
    actor = table.following()
    table.publish(json_data(OPEN))
    assert not table.feed.finished(actor.client, 0.0, 1000.0, LINGER)
    table.now = 2000.0
    table.publish(json_data(CLOSED))
    assert not table.feed.finished(actor.client, 0.0, 2004.9, LINGER)
    assert table.feed.finished(actor.client, 0.0, 2005.0, LINGER)


@pytest.mark.parametrize("state", ['"truncated"', '"Failed"', '"ABANDONED"', "4", "12"])
def test_every_closed_state_closes(state: str) -> None:
    table = Table(about=record(f'{{"identity":"s","State":{state}}}'))
    assert table.feed.closed_since is not None


@pytest.mark.parametrize("state", ['"waiting"', '"unknown"', '"melted"', "2", "null"])
def test_no_other_state_closes(state: str) -> None:
    table = Table(about=record(f'{{"identity":"s","state":{state}}}'))
    assert table.feed.closed_since is None


# ---- the record beside the stream

NEWS = '{"identity":"s","state":"open","details":{"weather":"rain"}}'


def test_a_differing_json_is_believed_at_the_second_look() -> None:
    table = Table()
    actor = table.following()
    assert table.feed.reconcile(record(NEWS), 1.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN]
    assert table.feed.reconcile(record(NEWS), 2.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN, NEWS]
    assert actor.socket.received.messages[-1].only == "session_json"


def test_a_believed_json_is_not_told_again() -> None:
    table = Table()
    actor = table.following()
    for now in range(5):
        table.feed.reconcile(record(NEWS), float(now))
        table.settle()
    assert actor.socket.received.session_jsons == [OPEN, NEWS]


def test_the_record_is_not_believed_when_the_stream_has_brought_a_json_since_the_first_look() -> None:
    table = Table()
    actor = table.following()
    table.feed.reconcile(record(NEWS), 1.0)
    table.publish(json_data(CLOSED))
    table.feed.reconcile(record(NEWS), 2.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN, CLOSED]


def test_a_record_that_agrees_again_ends_the_doubt() -> None:
    table = Table()
    actor = table.following()
    for text in (NEWS, OPEN, NEWS):
        table.feed.reconcile(record(text), 1.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN]


def test_two_different_jsons_are_not_two_looks() -> None:
    table = Table()
    actor = table.following()
    for text in (NEWS, CLOSED):
        table.feed.reconcile(record(text), 1.0)
    table.settle()
    assert actor.socket.received.session_jsons == [OPEN]


def test_the_first_json_ever_is_believed_at_once() -> None:
    table = Table(about=record(json=None))
    table.feed.reconcile(record(OPEN), 1.0)
    assert table.feed.json == OPEN


def test_the_records_time_range_expands_what_is_known() -> None:
    table = Table(about=record(span=TimeRange(10, 20)))
    actor = table.following()
    table.feed.reconcile(record(span=TimeRange(5, 15)), 1.0)
    table.feed.tell_ranges(1.0)
    assert own_ranges(actor) == [TimeRange(10, 20), TimeRange(5, 20)]


def test_a_closed_json_in_the_record_closes_the_session() -> None:
    table = Table()
    actor = table.following()
    for now in (1.0, 2.0):
        table.feed.reconcile(record(CLOSED), now)
    table.settle()
    assert table.feed.closed_since == 2.0
    assert table.feed.finished(actor.client, 0.0, 7.0, LINGER)


def test_a_client_behind_does_not_end_with_an_older_json_than_the_records() -> None:
    table = Table()
    actor = table.following(room=0)
    table.publish(json_data(CLOSED))
    for now in (1.0, 2.0):
        table.feed.reconcile(record(NEWS), now)
    actor.socket.open_up()
    actor.settle(3.0)
    assert actor.socket.received.session_jsons[-1] == NEWS == table.feed.json


def test_a_record_of_another_run_is_not_ours_to_reconcile() -> None:
    table = Table()
    assert not table.feed.reconcile(record(NEWS, session_id=2), 1.0)
    assert not table.feed.reconcile(record(NEWS, stream="b"), 1.0)
    assert table.feed.json == OPEN


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
    table.feed.move(rerun(), at(2), 1.0)
    table.feed.take(table.entries["b"][2], 1.0)
    table.settle()
    assert sorted(actor.socket.received.tags) == [1, 2, 3]


def test_the_old_run_is_not_back_filled_once_the_client_is_in_the_new_one() -> None:
    table = Table()
    actor = table.following(only(2))
    table.publish(samples(1, 1))
    table.move(rerun())
    table.settle()
    table.publish(samples(1, 2))
    table.feed.widen(actor.client, only(1), START)
    table.settle()
    assert actor.socket.received.tags == [2]


def test_an_open_json_of_a_new_run_reopens_the_session() -> None:
    table = Table(about=record(CLOSED))
    table.move(rerun())
    assert table.feed.closed_since is None


# ---- many clients


def test_a_broken_socket_disturbs_nobody_else() -> None:
    table = Table()
    actors = [table.following(ALL) for _ in range(5)]
    actors[2].socket.broken = True
    for tag in range(1, 4):
        table.publish(samples(1, tag))
    table.settle()
    assert actors[2].over
    assert all(a.socket.received.tags == [1, 2, 3] for i, a in enumerate(actors) if i != 2)
    assert len(table.feed.clients) == 4


def test_a_socket_that_breaks_while_a_time_range_is_told_disturbs_nobody_else() -> None:
    table = Table()
    actors = [table.following() for _ in range(3)]
    actors[0].socket.broken = True
    table.publish(range_data(0, 5))
    table.feed.tell_ranges(10.0)
    table.settle()
    assert actors[0].over
    assert [own_ranges(a) for a in actors[1:]] == [[TimeRange(0, 5)]] * 2


def test_a_stalled_client_delays_nobody_else() -> None:
    table = Table()
    stalled, well = table.following(ALL, room=3), table.following(ALL)
    for tag in range(1, 4):
        table.publish(samples(1, tag))
    assert well.socket.received.tags == [1, 2, 3]
    assert stalled.socket.received.tags == []


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[None]:
    """One more element at every call."""
    calls: list[None] = []
    original: Callable[..., Any] = getattr(owner, name)

    def count(*args: Any) -> Any:
        calls.append(None)
        return original(*args)

    monkeypatch.setattr(owner, name, count)
    return calls


def test_equal_subscriptions_share_one_cut_and_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    for _ in range(10):
        table.following(only(1), only(2))
        table.following(only(2, 1))
        table.following(only(3))
    packs = counted(monkeypatch, chunks, "pack")
    layouts = counted(monkeypatch, LayoutCache, "layout")
    table.publish(samples(1, 1), samples(2, 2), samples(3, 3), event(4))
    assert len(packs) == 2
    assert len(layouts) == 1
    assert all(len(a.socket.received.tags) in (1, 2) for a in table.actors)


def test_what_piled_up_is_merged_once_for_all_who_want_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    actors = [table.following(only(1), room=0) for _ in range(10)]
    for tag in range(1, 30):
        table.publish(samples(1, tag), event(100 + tag))
    packs = counted(monkeypatch, chunks, "pack")
    for actor in actors:
        actor.socket.open_up()
    table.settle()
    # What stands held is the first burst; the rest is one chunk.
    assert len(packs) <= 1
    assert all(a.socket.received.tags == list(range(1, 30)) for a in actors)


def test_a_back_fill_is_read_and_merged_once_for_all_who_want_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table()
    for tag in range(1, 30):
        table.publish(samples(1, tag), event(100 + tag))
    actors = [table.following() for _ in range(10)]
    packs = counted(monkeypatch, chunks, "pack")
    for actor in actors:
        table.feed.widen(actor.client, only(1), START)
    table.settle()
    assert all(a.socket.received.tags == list(range(1, 30)) for a in actors)
    assert (len(packs), table.reads) == (1, 1)


def test_clients_off_the_ring_share_what_is_read_from_the_log() -> None:
    table = Table(ring_bytes=40_000)
    actors = [table.following(only(1), room=0) for _ in range(10)]
    for tag in range(1, 200):
        table.publish(samples(1, tag, 1000), event(1000 + tag))
    for actor in actors:
        actor.socket.open_up()
        actor.settle(0.0)
    assert all(a.socket.received.tags == list(range(1, 200)) for a in actors)
    assert table.reads <= 10


def test_two_hundred_stalled_clients_hold_no_more_than_the_ring() -> None:
    ring = 512 << 10
    table = Table(ring_bytes=ring)
    actors = [table.following(only(i % 4), room=i % 7) for i in range(200)]
    random = Random(1)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for ms in range(1, 1500):
            data = [samples(channel, ms) for channel in range(4)]
            for d in data:
                d.timestamped_data.buffer = random.randbytes(1000)
            table.feed.take(Entry(at(ms), 1, pack_raw(data)), 0.0)
            for actor in actors[ms % 10 :: 10]:
                actor.run(0.0)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert table.feed.ring.bytes <= ring // 2
    assert grown < ring + (1 << 20)


def test_a_view_ends_with_its_last_client() -> None:
    table = Table()
    one, other = table.following(only(1)), table.following(only(1))
    assert table.feed.views[only(1)].clients == 2
    one.end()
    assert table.feed.views[only(1)].clients == 1
    other.end()
    assert only(1) not in table.feed.views


# ---- several entries at once


def entries(table: Table, *pads: int) -> list[Entry]:
    return [table.entry(samples(1, tag, pad)) for tag, pad in enumerate(pads, 1)]


def test_entries_taken_together_reach_a_live_client_as_one_message() -> None:
    table = Table()
    actor = table.following(ALL)
    before = len(actor.socket.received.messages)
    table.feed.take_merged(entries(table, 0, 0, 0), 0.0)
    assert actor.socket.received.tags == [1, 2, 3]
    assert len(actor.socket.received.messages) == before + 1


def test_entries_taken_together_are_merged_to_64_kib_at_most_and_never_split() -> None:
    table = Table()
    actor = table.following(ALL)
    before = len(actor.socket.received.messages)
    table.feed.take_merged(entries(table, 40_000, 20_000, 10_000, 100_000, 10, 10), 0.0)
    found = [[tag_of(d) for d in m.data] for m in actor.socket.received.messages[before:]]
    assert found == [[1, 2], [3], [4], [5, 6]]


def test_a_client_that_cannot_take_a_merged_message_gets_all_of_it_later() -> None:
    table = Table()
    actors = [table.following(ALL, room=0), table.following(ALL, room=5), table.following(only(1))]
    table.feed.take_merged(entries(table, 0, 50_000, 50_000, 0), 0.0)
    for actor in actors:
        actor.socket.open_up()
    table.settle()
    assert [a.socket.received.tags for a in actors] == [[1, 2, 3, 4]] * 3


def test_a_merge_that_ends_with_a_bare_time_range_forgets_nothing() -> None:
    table = Table()
    actor = table.following(ALL)
    several = [table.entry(samples(1, 1)), table.entry(range_data(0, 5))]
    table.feed.take_merged(several, 0.0)
    assert actor.socket.received.tags == [1]
    assert table.feed.position == several[-1].position
    table.feed.tell_ranges(10.0)
    assert own_ranges(actor) == [TimeRange(0, 5)]


# ---- waking


def test_a_client_with_nothing_owed_is_idle() -> None:
    table = Table()
    actor = table.following(ALL)
    assert isinstance(table.feed.step(actor.client, 0.0), Idle)


def test_a_client_whose_socket_was_full_is_woken() -> None:
    table = Table()
    actor = table.following(ALL, room=0)
    assert actor.idle
    table.publish(samples(1, 1))
    assert not actor.idle
