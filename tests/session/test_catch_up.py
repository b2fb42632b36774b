"""What a client is owed: the opening, what lies behind its position, back-fills, and its end."""

from __future__ import annotations

import pytest

from rta.ports import START, Entry, Position
from rta.session.catch_up import MAX_BACK_FILLS
from rta.session.client import ClientBeginning, Ending, Idle, ReadLog
from rta.wire import TimeRange

from .simulation import (
    ALL,
    CLOSED,
    MS,
    OPEN,
    Actor,
    Table,
    at,
    event,
    json_data,
    only,
    pack_raw,
    range_data,
    record,
    samples,
)

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
    table.feed.fan_out.tell_ranges(1.0)
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


# ---- behind the leading edge


def test_a_client_off_the_ring_is_brought_back_from_the_log() -> None:
    table = Table(ring_bytes=2000)
    actor = table.following(ALL, room=0)
    for tag in range(1, 50):
        table.publish(samples(1, tag))
    actor.socket.open_up()
    actor.settle(0.0)
    assert actor.socket.received.tags == list(range(1, 50))
    assert table.counters.rewound
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


def test_it_is_told_that_it_fell_behind() -> None:
    table = Table(ring_bytes=2000)
    table.publish(event(99))
    assert fallen_off(table).gone is Ending.FELL_BEHIND


@pytest.mark.parametrize("start", [START, Position(MS, 0)], ids=["on a new stream", "on an old stream"])
def test_a_client_that_came_before_the_first_entry_is_told_of_a_gap_too(start: Position) -> None:
    table = Table(ring_bytes=2000, about=record(start=start), position=START)
    assert fallen_off(table).gone is not None


def test_nothing_from_behind_a_gap_is_sent() -> None:
    table = Table()
    actor = table.following(ALL)
    table.lose_one()
    table.publish(samples(1, 1))
    table.settle()
    assert actor.socket.received.tags == []
    assert actor.gone is not None


def test_a_client_on_its_way_out_gets_what_it_is_owed_first() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.client()
    table.feed.catch_up.widen(actor.client, ALL, START)
    actor.client.leaving = Ending.SHUTTING_DOWN
    actor.settle(0.0)
    assert actor.socket.received.tags == [1]
    assert actor.gone == Ending.SHUTTING_DOWN


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
    table.feed.catch_up.widen(actor.client, only(1), START)
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
        assert table.feed.catch_up.widen(actor.client, only(channel), START)
    before = actor.client.subscription
    assert not table.feed.catch_up.widen(actor.client, only(1000), START)
    assert actor.client.subscription is before
    assert len(actor.client.back_fills) == MAX_BACK_FILLS


def test_widening_by_what_one_has_is_granted_even_then() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    for channel in range(MAX_BACK_FILLS):
        table.feed.catch_up.widen(actor.client, only(channel), START)
    assert table.feed.catch_up.widen(actor.client, only(3, 5), START)


def test_a_refused_widening_is_granted_when_the_first_back_fills_have_ended() -> None:
    table = Table()
    table.publish(samples(1000, 1))
    actor = table.following()
    for channel in range(MAX_BACK_FILLS):
        table.feed.catch_up.widen(actor.client, only(channel), START)
    actor.settle(0.0)
    assert table.feed.catch_up.widen(actor.client, only(1000), START)
    actor.settle(0.0)
    assert actor.socket.received.tags == [1]


def test_a_back_fill_that_is_overtaken_by_trimming_ends_in_a_gap_that_is_told() -> None:
    table = Table()
    for tag in range(1, 6):
        table.publish(samples(1, tag, 60_000))
    actor = table.following()
    table.feed.catch_up.widen(actor.client, only(1), START)
    actor.socket.room = 100
    actor.settle(0.0)
    table.trim(at(4))
    actor.socket.open_up()
    actor.settle(0.0)
    assert actor.gone is Ending.FELL_BEHIND


def test_a_back_fill_passes_over_all_that_was_trimmed_before_it_began() -> None:
    """However much that is: the grid of the ring reaches further back than the buffer."""
    table = Table()
    for tag in range(1, 9):
        table.publish(samples(1, tag, 60_000))
    table.trim(at(6))
    actor = table.following()
    table.feed.catch_up.widen(actor.client, ALL, START)
    actor.settle(0.0)
    assert actor.gone is None
    assert actor.socket.received.tags == [tag for tag in range(1, 9) if at(tag) > at(6)]


def test_a_gap_that_one_client_may_have_is_told_to_one_that_may_not() -> None:
    table = Table()
    for tag in range(1, 5):
        table.publish(samples(1, tag))
    table.trim(at(2))
    with_back_scan, behind_a_point = table.following(), table.following()
    behind_a_point.client.beginning = ClientBeginning([], START)
    for actor in (with_back_scan, behind_a_point):
        table.feed.catch_up.widen(actor.client, ALL, START)
        actor.settle(0.0)
    assert with_back_scan.gone is None
    assert with_back_scan.socket.received.tags
    assert behind_a_point.gone is Ending.POINT_LOST
    assert behind_a_point.socket.received.tags == []


def test_a_client_that_left_while_the_log_was_read_is_forgotten() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    table.feed.catch_up.widen(actor.client, only(1), START)
    actor.run(0.0)
    fetch = actor.fetch
    assert fetch is not None
    batch = table.read(fetch)
    table.feed.detach(actor.client)
    assert table.feed.catch_up.receive(actor.client, fetch, batch) is None
    table.feed.detach(actor.client)
    assert not table.feed.state.clients
    assert not table.feed.state.views


# ---- waking


def test_a_client_with_nothing_owed_is_idle() -> None:
    table = Table()
    actor = table.following(ALL)
    assert isinstance(table.feed.catch_up.step(actor.client, 0.0), Idle)


def test_a_client_whose_socket_was_full_is_woken() -> None:
    table = Table()
    actor = table.following(ALL, room=0)
    assert actor.idle
    table.publish(samples(1, 1))
    assert not actor.idle
