"""How far back a new subscription is filled: counted from the session's last data, whatever came behind them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rta_transports.memory.log import MemoryLog

from rta.hot_counters import HotCounters
from rta.ports import START, Position
from rta.session.back_scan import back_scan_start, must_search
from rta.session.feed import SessionFeed
from rta.session.state import FeedState

from .simulation import (
    ALL,
    MS,
    Actor,
    FakeSocket,
    LogReads,
    Table,
    at_once,
    event,
    json_data,
    pack_raw,
    range_data,
    record,
    samples,
)

OPEN = '{"identity":"s","state":"open"}'
KINDS = ["samples", "samples", "event", "json", "range", "other"]

waits = st.sampled_from([0, 10, 999, 1000, 2500, 700_000])
histories = st.lists(st.tuples(waits, st.sampled_from(KINDS)), max_size=12)


@given(
    history=histories,
    known=st.integers(0, 12),
    asked_early=st.booleans(),
    later=waits,
    seconds=st.sampled_from([None, 0.0, 0.5, 1.0, 3.0, 600.0]),
)
async def test_a_client_gets_the_last_stretch_and_no_more(
    history: list[tuple[int, str]], known: int, asked_early: bool, later: int, seconds: float | None
) -> None:
    ms = MS
    log = MemoryLog(1 << 40, lambda: ms * 1_000_000)
    other, ours = at_once(log.open_session("other", "a")), at_once(log.open_session("s", "a"))
    at_once(log.append(ours, pack_raw([json_data(OPEN)])))
    data: list[tuple[Position, int]] = []
    feed: SessionFeed | None = None
    for number, (wait, kind) in enumerate(history):
        if number == known:
            feed = await following(log, seconds if asked_early else None)
        ms += wait
        if kind == "other":
            at_once(log.append(other, pack_raw([samples(1, number)])))
            continue
        item = {"samples": samples(1, number), "event": event(number), "json": json_data(OPEN)}.get(kind)
        position = at_once(log.append(ours, pack_raw([range_data(1, 2) if item is None else item])))
        if kind in ("samples", "event"):
            data.append((position, number))
        if feed is not None:
            read = at_once(log.read("a", position.before(), position, 1))
            feed.fan_out.deliver(read.entries, 0.0)
    ms += later
    if feed is None:
        feed = await following(log, None)
    search(log, feed.state, seconds)
    start = back_scan_start(feed.state, feed.state.run, seconds)
    actor = Actor(feed, FakeSocket(), LogReads(log))
    feed.catch_up.widen(actor.client, ALL, start)
    actor.settle(0.0)
    since = START
    if seconds is not None and data:
        since = Position((data[-1][0].ms - int(seconds * 1000)) // 1000 * 1000, 0)
    wanted = [tag for position, tag in data if position >= since]
    assert sorted(actor.socket.received.tags) == wanted


async def following(log: MemoryLog, seconds: float | None) -> SessionFeed:
    """A feed of the session from now on; somebody may have asked for its past at once."""
    about = at_once(log.find("s"))
    assert about is not None
    feed = SessionFeed(about, at_once(log.head("a")), 1 << 20, HotCounters(), 0.0)
    search(log, feed.state, seconds)
    return feed


def search(log: MemoryLog, state: FeedState, seconds: float | None) -> None:
    if must_search(state, seconds):
        run = state.run
        state.find_newest(run, at_once(log.last_data(run.stream, run.session_id, *state.searched)))


def test_the_log_is_searched_once_and_only_where_it_matters() -> None:
    state = Table().feed.state
    assert [must_search(state, seconds) for seconds in (None, 0.0, 600.0)] == [False, True, True]
    state.find_newest(state.run, None)
    assert not must_search(state, 600.0)


def test_what_comes_by_the_stream_need_not_be_searched_for() -> None:
    table = Table()
    table.publish(json_data(OPEN))
    assert must_search(table.feed.state, 600.0)
    entry = table.publish(event(1))
    assert not must_search(table.feed.state, 600.0)
    assert table.feed.state.newest == entry.position


def test_what_a_search_finds_does_not_count_when_data_have_come_meanwhile() -> None:
    table = Table()
    before = table.head
    entry = table.publish(samples(1, 1))
    table.feed.state.find_newest(table.feed.state.run, before)
    assert table.feed.state.newest == entry.position


@pytest.mark.parametrize("stream", ["a", "b"])
def test_a_run_without_data_begins_where_the_one_before_it_has_ended(stream: str) -> None:
    table = Table()
    entry = table.publish(samples(1, 1))
    table.move(record(stream=stream, session_id=2, start=table.head))
    state = table.feed.state
    assert must_search(state, 600.0)
    state.find_newest(state.run, None)
    assert state.newest == entry.position


def test_a_search_of_a_run_that_is_over_finds_nothing() -> None:
    table = Table()
    old = table.feed.state.run
    table.move(record(session_id=2, start=table.head))
    table.feed.state.find_newest(old, table.head)
    assert must_search(table.feed.state, 600.0)


def test_where_the_log_begins_anew_nothing_of_before_counts() -> None:
    table = Table()
    table.publish(samples(1, 1))
    table.feed.state.rewind(START)
    state = table.feed.state
    assert must_search(state, 600.0)
    state.find_newest(state.run, None)
    assert state.newest is None


def test_an_id_that_is_another_sessions_by_now_is_searched_up_to_there() -> None:
    table = Table()
    table.publish(samples(1, 1))
    theirs = table.publish(json_data('{"identity":"other","state":"open"}'))
    assert table.feed.state.searched == (START, theirs.position.before())


def test_of_a_client_in_an_earlier_run_nothing_is_left_out() -> None:
    table = Table()
    old = table.feed.state.run
    table.move(record(session_id=2, start=table.head))
    state = table.feed.state
    state.find_newest(state.run, None)
    assert back_scan_start(state, old, 600.0) == START
    assert back_scan_start(state, state.run, 600.0) > table.head
