"""What comes by the stream: to whoever is live, at once; one client's troubles disturb nobody else."""

from __future__ import annotations

import itertools
import tracemalloc
from random import Random

import pytest

from rta.ports import START, Entry
from rta.session import merged_frames, state
from rta.session.client import Ending
from rta.session.fan_out import RANGE_INTERVAL
from rta.wire import TimeRange
from rta.wire.layout import LayoutCache

from .simulation import (
    ALL,
    CLOSED,
    Table,
    at,
    counted,
    event,
    json_data,
    only,
    own_ranges,
    pack_raw,
    payloads,
    range_data,
    record,
    samples,
    tag_of,
)

# ---- observers


def test_an_observer_gets_every_entry_from_now_on_in_order_whatever_is_in_it() -> None:
    table = Table()
    table.publish(samples(1, 1))
    seen: list[Entry] = []
    table.feed.fan_out.observe(seen.append)
    entries = [table.publish(item) for item in (samples(1, 2), range_data(1, 2), json_data(CLOSED), event(3))]
    assert seen == entries


def test_an_observer_finds_the_session_as_it_is_with_the_entry() -> None:
    table = Table()
    seen: list[str | None] = []
    table.feed.fan_out.observe(lambda entry: seen.append(table.feed.summary.json))
    table.publish(json_data(CLOSED))
    assert seen == [CLOSED]


def test_an_observer_that_has_ended_gets_nothing_more_and_the_others_do() -> None:
    table = Table()
    first, second = [], []
    end = table.feed.fan_out.observe(first.append)
    table.feed.fan_out.observe(second.append)
    table.publish(samples(1, 1))
    end()
    end()
    table.publish(samples(1, 2))
    assert (len(first), len(second)) == (1, 2)


def test_a_feed_is_wanted_while_it_has_clients_or_observers() -> None:
    table = Table()
    assert not table.feed.wanted
    end = table.feed.fan_out.observe(lambda entry: None)
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


def test_everybody_is_told_when_the_reader_itself_has_lost_entries() -> None:
    table = Table()
    actors = [table.following(only(n)) for n in range(3)]
    table.lose_one()
    table.settle()
    assert [a.gone for a in actors] == [Ending.FELL_BEHIND] * 3


# ---- time ranges


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
            _, due = table.feed.fan_out.tell_ranges(now)
            if before is not None and len(own_ranges(actor)) > before:
                told.append(now)
    assert len(own_ranges(actor)) == 10
    assert all(b - a >= RANGE_INTERVAL - 1e-9 for a, b in itertools.pairwise(told))


def test_the_last_time_range_is_told_when_its_time_has_come() -> None:
    table = Table()
    actor = table.following(now=-10.0)
    table.publish(range_data(0, 1))
    assert table.feed.fan_out.tell_ranges(0.0) == (1, None)
    table.publish(range_data(0, 2))
    told, due = table.feed.fan_out.tell_ranges(0.05)
    assert told == 0
    assert due == pytest.approx(RANGE_INTERVAL)
    assert table.feed.fan_out.tell_ranges(due or 0.0) == (1, None)
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
    table.feed.fan_out.tell_ranges(10.0)
    assert actor.socket.received.time_ranges == [TimeRange(0, 5)]
    assert own_ranges(actor) == []


def test_those_who_did_not_get_the_burst_are_told_the_time_range() -> None:
    table = Table()
    actor, other = table.following(only(1)), table.following(only(2))
    table.publish(samples(1, 1), range_data(0, 5))
    table.feed.fan_out.tell_ranges(10.0)
    assert own_ranges(actor) == []
    assert own_ranges(other) == [TimeRange(0, 5)]


def test_a_riding_time_range_does_not_stand_in_for_a_wider_one_that_was_still_to_be_told() -> None:
    table = Table()
    actor = table.following(only(1))
    table.publish(range_data(0, 100))
    table.publish(samples(1, 1), range_data(40, 50))
    table.feed.fan_out.tell_ranges(10.0)
    assert TimeRange.union_of(*actor.socket.received.time_ranges) == TimeRange(0, 100)


def test_a_riding_time_range_does_not_stand_in_for_one_that_the_record_told() -> None:
    table = Table()
    actor = table.following(only(1))
    table.feed.state.reconcile(record(span=TimeRange(0, 100)), 1.0)
    table.publish(samples(1, 1), range_data(90, 110))
    table.feed.fan_out.tell_ranges(10.0)
    assert TimeRange.union_of(*actor.socket.received.time_ranges) == TimeRange(0, 110)


def test_a_client_that_was_just_told_by_its_actor_is_not_told_again_at_once() -> None:
    table = Table(about=record(span=TimeRange(0, 1)))
    actor = table.following(now=1.0)
    table.publish(range_data(0, 2))
    _, due = table.feed.fan_out.tell_ranges(1.05)
    assert own_ranges(actor) == [TimeRange(0, 1)]
    assert due is not None
    assert due >= 1.0 + RANGE_INTERVAL


def test_a_client_that_was_just_told_with_the_others_is_not_told_by_its_actor_at_once() -> None:
    table = Table()
    actor = table.following(now=-10.0)
    table.publish(range_data(0, 1))
    table.feed.fan_out.tell_ranges(1.0)
    table.publish(range_data(0, 2))
    table.feed.catch_up.widen(actor.client, only(1), table.head)
    actor.settle(1.05)
    assert own_ranges(actor) == [TimeRange(0, 1)]
    table.feed.fan_out.tell_ranges(1.0 + RANGE_INTERVAL)
    assert own_ranges(actor) == [TimeRange(0, 1), TimeRange(0, 2)]


def test_back_fill_at_the_leading_edge_does_not_repeat_a_time_range_that_rode() -> None:
    table = Table()
    table.publish(samples(1, 1))
    actor = table.following()
    table.feed.catch_up.widen(actor.client, only(1), START)
    actor.run(0.0)
    table.publish(samples(1, 2), range_data(0, 5))
    actor.settle(10.0)
    table.feed.fan_out.tell_ranges(20.0)
    assert actor.socket.received.tags == [2, 1]
    assert own_ranges(actor) == []


def test_a_client_that_was_away_is_told_the_time_range_when_it_is_back() -> None:
    table = Table()
    actor = table.following(room=0)
    table.publish(range_data(0, 1))
    table.feed.fan_out.tell_ranges(1.0)
    table.publish(range_data(0, 9))
    actor.socket.open_up()
    actor.settle(2.0)
    table.feed.fan_out.tell_ranges(3.0)
    assert own_ranges(actor)[-1] == TimeRange(0, 9)


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
    assert len(table.feed.state.clients) == 4


def test_a_socket_that_breaks_while_a_time_range_is_told_disturbs_nobody_else() -> None:
    table = Table()
    actors = [table.following() for _ in range(3)]
    actors[0].socket.broken = True
    table.publish(range_data(0, 5))
    table.feed.fan_out.tell_ranges(10.0)
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


def test_equal_subscriptions_share_one_cut_and_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    for _ in range(10):
        table.following(only(1), only(2))
        table.following(only(2, 1))
        table.following(only(3))
    packs = counted(monkeypatch, merged_frames, "pack")
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
    packs = counted(monkeypatch, merged_frames, "pack")
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
    packs = counted(monkeypatch, merged_frames, "pack")
    for actor in actors:
        table.feed.catch_up.widen(actor.client, only(1), START)
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
            table.feed.fan_out.deliver((Entry(at(ms), 1, pack_raw(data)),), 0.0)
            for actor in actors[ms % 10 :: 10]:
                actor.run(0.0)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert table.feed.state.ring.bytes <= ring // 2
    assert grown < ring + (1 << 20)


def test_a_view_ends_with_its_last_client() -> None:
    table = Table()
    one, other = table.following(only(1)), table.following(only(1))
    assert [view.clients for view in table.feed.state.views] == [2]
    one.end()
    assert [view.clients for view in table.feed.state.views] == [1]
    other.end()
    assert not table.feed.state.views


def test_a_view_that_is_full_is_followed_by_another_until_there_is_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MOST_CLIENTS", 2)
    table = Table()
    actors = [table.following(only(1)) for _ in range(5)]
    assert [view.clients for view in table.feed.state.views] == [2, 2, 1]
    actors[0].end()
    actors[4].end()
    actors[1:1] = [table.following(only(1)), table.following(only(1))]
    assert [view.clients for view in table.feed.state.views] == [2, 2, 1]
    table.publish(samples(1, 1))
    assert all(len(actor.socket.received.items) == 1 for actor in actors[1:-1])


def test_clients_that_come_and_go_fill_the_room_there_is_before_another_view_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "MOST_CLIENTS", 2)
    table = Table()
    actors = [table.following(only(1)) for _ in range(3)]
    for _ in range(5):
        actors.pop(0).end()
        actors += [table.following(only(1)), table.following(only(1))]
        assert len(table.feed.state.views) == 2
        actors.pop().end()
    for actor in actors:
        actor.end()
    assert not table.feed.state.views


# ---- several entries at once


def entries(table: Table, *pads: int) -> list[Entry]:
    return [table.entry(samples(1, tag, pad)) for tag, pad in enumerate(pads, 1)]


def test_entries_taken_together_reach_a_live_client_as_one_message() -> None:
    table = Table()
    actor = table.following(ALL)
    before = len(actor.socket.received.messages)
    table.feed.fan_out.deliver_merged(entries(table, 0, 0, 0), 0.0)
    assert actor.socket.received.tags == [1, 2, 3]
    assert len(actor.socket.received.messages) == before + 1


def test_entries_taken_together_are_merged_to_64_kib_at_most_and_never_split() -> None:
    table = Table()
    actor = table.following(ALL)
    before = len(actor.socket.received.messages)
    table.feed.fan_out.deliver_merged(entries(table, 40_000, 20_000, 10_000, 100_000, 10, 10), 0.0)
    found = [[tag_of(d) for d in m.data] for m in actor.socket.received.messages[before:]]
    assert found == [[1, 2], [3], [4], [5, 6]]


def test_a_client_that_cannot_take_a_merged_message_gets_all_of_it_later() -> None:
    table = Table()
    actors = [table.following(ALL, room=0), table.following(ALL, room=5), table.following(only(1))]
    table.feed.fan_out.deliver_merged(entries(table, 0, 50_000, 50_000, 0), 0.0)
    for actor in actors:
        actor.socket.open_up()
    table.settle()
    assert [a.socket.received.tags for a in actors] == [[1, 2, 3, 4]] * 3


def test_a_merge_that_ends_with_a_bare_time_range_forgets_nothing() -> None:
    table = Table()
    actor = table.following(ALL)
    several = [table.entry(samples(1, 1)), table.entry(range_data(0, 5))]
    table.feed.fan_out.deliver_merged(several, 0.0)
    assert actor.socket.received.tags == [1]
    assert table.feed.state.position == several[-1].position
    table.feed.fan_out.tell_ranges(10.0)
    assert own_ranges(actor) == [TimeRange(0, 5)]


# ---- counts


def test_a_frame_counts_for_those_who_took_some_of_it_and_in_full() -> None:
    table = Table()
    well, short, full, broken = (table.following(ALL) for _ in range(4))
    short.socket.room, full.socket.room, broken.socket.broken = 3, 0, True
    counters = table.counters
    counters.frames_out = counters.bursts_out = counters.bytes_out = 0
    table.publish(samples(1, 1))
    size = len(well.socket.stream) - len(full.socket.stream)
    assert (counters.frames_out, counters.bursts_out, counters.bytes_out) == (2, 2, 2 * size)
