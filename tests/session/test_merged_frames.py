"""Bursts to frames: untouched if nothing has to be left out, merged if much has piled up, never split."""

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.ports import Position
from rta.session.merged_frames import Cutter, MergedFrame, MergedFrameCache, OpenBurst
from rta.session.subscription import NOTHING, Filter, Subscription
from rta.wire import Burst
from rta.wire._pb.stream_pb2 import StreamData

from .simulation import (
    ALL,
    MS,
    Received,
    Spec,
    Table,
    event,
    frames,
    json_data,
    make_item,
    only,
    pack_raw,
    payloads,
    range_data,
    samples,
)

END = Position(MS, 1)
UNKNOWN = StreamData.FromString(b"\x7a\x03new")


def data_of(frame: bytes | None) -> list[StreamData]:
    assert frame is not None
    messages = Received.of(frame).messages
    assert len(messages) == 1
    return messages[0].data


numbers = st.integers(0, 5)
specs = st.one_of(
    st.builds(Spec, st.sampled_from(["timestamped", "periodic"]), st.tuples(numbers), st.integers(0, 40)),
    st.builds(Spec, st.just("row"), st.lists(numbers, max_size=3, unique=True).map(tuple), st.integers(0, 40)),
    st.builds(Spec, st.just("event"), st.just(()), st.integers(0, 40)),
)
datas = st.one_of(
    st.builds(lambda s, t: StreamData.FromString(make_item(s, t).data), specs, st.integers(1, 1 << 60)),
    st.just(json_data('{"identity":"s"}')),
    st.just(range_data(3, 4)),
    st.just(UNKNOWN),
)
bursts = st.lists(datas, min_size=1, max_size=6)
subscriptions = st.builds(
    lambda e, a, c: Subscription(e, a, frozenset() if a else c),
    st.booleans(),
    st.booleans(),
    st.frozensets(numbers, max_size=3),
)
wants = st.builds(Filter, subscriptions) | st.builds(
    lambda old, more: Filter(old.widened(more), old), subscriptions, subscriptions
)


def naive_cut(data: list[StreamData], want: Filter) -> list[StreamData]:
    """The items a filter wants, with the riders if there are any."""
    kinds = {
        "session_json": 0x12,
        "timestamped_data": 0x22,
        "periodic_data": 0x2A,
        "row_data": 0x32,
        "event": 0x3A,
    }

    def wanted(d: StreamData) -> bool:
        which = d.WhichOneof("data")
        if which is None or which == "time_range":
            return False
        if which == "row_data":
            return want.wanted(kinds[which], tuple(d.row_data.channel_ids))
        if which in ("timestamped_data", "periodic_data"):
            return want.wanted(kinds[which], (getattr(d, which).channel_id,))
        return want.wanted(kinds[which], ())

    if not any(wanted(d) for d in data):
        return []
    return [d for d in data if wanted(d) or d.WhichOneof("data") in (None, "time_range")]


@settings(deadline=None, max_examples=examples(300))
@given(st.lists(bursts, max_size=5), wants)
def test_a_merged_frame_is_what_is_wanted_of_each_burst_one_after_the_other(
    contents: list[list[StreamData]], want: Filter
) -> None:
    packed = [pack_raw(data) for data in contents]
    merged = Cutter().merged(packed, want, END)
    expected = [d for data in contents for d in naive_cut(data, want)]
    assert merged.end == END
    assert merged.bursts == sum(bool(naive_cut(data, want)) for data in contents)
    if expected:
        assert data_of(merged.frame) == expected
    else:
        assert merged.frame is None


@settings(deadline=None, max_examples=examples(300))
@given(bursts, st.lists(wants, min_size=1, max_size=4))
def test_one_opened_burst_is_cut_right_for_every_filter(data: list[StreamData], several: list[Filter]) -> None:
    cutter, opened = Cutter(), OpenBurst(pack_raw(data))
    for want in several:
        expected = naive_cut(data, want)
        out = cutter.single(opened, want)
        assert (data_of(out) if out is not None else []) == expected


@settings(deadline=None)
@given(bursts)
def test_the_ingests_own_bytes_go_out_untouched_when_nothing_has_to_be_left_out(
    data: list[StreamData],
) -> None:
    burst = pack_raw(data)
    if burst.has_data or burst.has_events or burst.session_json:
        for out in (
            Cutter().single(OpenBurst(burst), Filter(ALL)),
            Cutter().merged([burst], Filter(ALL), END).frame,
        ):
            assert out is not None
            assert frames(out) == [(0, burst.packed)]


def test_bytes_go_out_untouched_when_all_items_happen_to_be_subscribed() -> None:
    burst = pack_raw([samples(1, 10), range_data(1, 2), samples(2, 11)])
    out = Cutter().single(OpenBurst(burst), Filter(only(1, 2, 3)))
    assert out is not None
    assert frames(out) == [(0, burst.packed)]


def test_a_back_fill_of_everything_is_untouched_too() -> None:
    burst = pack_raw([samples(1, 10), event(11)])
    merged = Cutter().merged([burst], Filter(ALL, NOTHING), END)
    assert merged.frame is not None
    assert frames(merged.frame) == [(0, burst.packed)]


def test_bursts_that_nobody_wants_do_not_keep_one_from_going_out_untouched() -> None:
    wanted = pack_raw([samples(1, 10)])
    merged = Cutter().merged([pack_raw([event(1)]), wanted, pack_raw([samples(2, 3)])], Filter(only(1)), END)
    assert merged.frame is not None
    assert frames(merged.frame) == [(0, wanted.packed)]
    assert merged.bursts == 1


def test_session_json_is_not_back_filled() -> None:
    burst = pack_raw([json_data("{}"), samples(1, 10)])
    merged = Cutter().merged([burst], Filter(ALL, NOTHING), END)
    assert data_of(merged.frame) == [samples(1, 10)]


def test_a_burst_is_unpacked_at_most_once_for_all_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = OpenBurst(pack_raw([samples(1, 10), samples(2, 11), event(12)]))
    unpacked = []
    raw = Burst.raw
    monkeypatch.setattr(Burst, "raw", lambda self: unpacked.append(self) or raw(self))
    cutter = Cutter()
    for channel in (1, 2, 1, 2):
        cutter.single(opened, Filter(only(channel)))
    assert len(unpacked) == 1


def test_a_burst_that_is_wanted_whole_is_not_even_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = OpenBurst(pack_raw([samples(1, 10), event(12)]))
    monkeypatch.setattr(Burst, "raw", lambda self: pytest.fail("unpacked"))
    assert Cutter().single(opened, Filter(ALL)) is not None


def test_the_layout_of_one_burst_is_not_taken_for_that_of_another() -> None:
    cutter = Cutter()
    for data, channel in (
        ([samples(1, 10), samples(2, 11)], 1),
        ([samples(2, 12), samples(1, 13)], 1),
        ([samples(0, 14), samples(1, 15)], 1),
        ([samples(1, 16), samples(0, 17)], 1),
    ):
        out = cutter.single(OpenBurst(pack_raw(data)), Filter(only(channel)))
        assert data_of(out) == [d for d in data if d.timestamped_data.channel_id == channel]


# ---- what has piled up for a client


def piled_up(count: int, pad: int) -> tuple[Table, list[Burst]]:
    table = Table()
    actor = table.following(ALL, room=0)
    bursts = [table.publish(samples(1, tag, pad)).burst for tag in range(1, count + 1)]
    since = len(actor.socket.stream)
    actor.socket.open_up()
    actor.settle(0.0)
    table.actors[0].socket.stream = actor.socket.stream[since:]
    return table, bursts


def test_what_has_piled_up_comes_in_messages_of_about_64_kib() -> None:
    table, _bursts = piled_up(400, 1000)
    messages = table.actors[0].socket.received.messages
    assert table.actors[0].socket.received.tags == list(range(1, 401))
    assert all(m.size <= 64 << 10 for m in messages)
    assert all(m.size > 60 << 10 for m in messages[:-1])


def test_large_bursts_are_neither_merged_nor_split() -> None:
    table, bursts = piled_up(5, 100_000)
    assert payloads(table.actors[0].socket) == [b.packed for b in bursts]


def test_a_single_burst_that_was_held_up_is_still_the_ingests_own_bytes() -> None:
    table, bursts = piled_up(1, 10)
    assert payloads(table.actors[0].socket) == [bursts[0].packed]


# ---- the cache


def a_frame(size: int, end: Position = END) -> MergedFrame:
    return MergedFrame(end, bytes(size), 1)


places = st.integers(0, 6).map(lambda i: Position(i, 0))
puts = st.tuples(st.sampled_from([Filter(only(1)), Filter(ALL)]), st.integers(0, 1), places, st.integers(0, 3000))


@given(st.lists(puts, max_size=40), st.integers(0, 6000))
def test_the_cache_keeps_its_bound_after_every_put(many: list[tuple[Filter, int, Position, int]], bound: int) -> None:
    cache = MergedFrameCache(bound)
    known: dict[tuple[Filter, int, Position], MergedFrame] = {}
    for want, binding, start, size in many:
        merged = a_frame(size)
        cache.put(want, binding, start, merged)
        known[want, binding, start] = merged
        assert 0 <= cache.bytes <= bound
        found = [c for k, c in known.items() if cache.get(*k, END) is c]
        assert sum(len(c.frame or b"") for c in found) <= cache.bytes


@given(st.lists(puts, max_size=40))
def test_a_large_cache_knows_the_last_chunk_put_at_each_place(
    many: list[tuple[Filter, int, Position, int]],
) -> None:
    cache = MergedFrameCache(1 << 30)
    known: dict[tuple[Filter, int, Position], MergedFrame] = {}
    for want, binding, start, size in many:
        known[want, binding, start] = a_frame(size)
        cache.put(want, binding, start, known[want, binding, start])
    for key, merged in known.items():
        assert cache.get(*key, END) is merged


def test_a_chunk_that_goes_too_far_is_not_given() -> None:
    cache = MergedFrameCache(10_000)
    cache.put(Filter(ALL), 0, Position(1, 0), a_frame(10, end=Position(5, 0)))
    assert cache.get(Filter(ALL), 0, Position(1, 0), Position(4, 0)) is None
    assert cache.get(Filter(ALL), 0, Position(1, 0), Position(5, 0)) is not None


def test_the_least_recently_used_chunk_goes_first() -> None:
    cache = MergedFrameCache(2_900)
    for i in (1, 2):
        cache.put(Filter(ALL), 0, Position(i, 0), a_frame(1000))
    cache.get(Filter(ALL), 0, Position(1, 0), END)
    cache.put(Filter(ALL), 0, Position(3, 0), a_frame(1000))
    assert cache.get(Filter(ALL), 0, Position(1, 0), END) is not None
    assert cache.get(Filter(ALL), 0, Position(2, 0), END) is None


def test_chunks_of_one_run_are_not_given_for_another() -> None:
    cache = MergedFrameCache(10_000)
    cache.put(Filter(ALL), 0, Position(1, 0), a_frame(10))
    assert cache.get(Filter(ALL), 1, Position(1, 0), END) is None
