"""Cutting a burst down, against the same done naively with whole protobuf objects."""

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.session.subscription import NOTHING, Filter, Subscription
from rta.wire import make_burst, pack, read_burst
from rta.wire._pb.stream_pb2 import StreamData, StreamDataBurst
from rta.wire.burst import pieces
from rta.wire.layout import LayoutCache

from . import independent as wire

DATA_KINDS = ("timestamped_data", "periodic_data", "row_data")
ALL = Subscription(events=True, all_data=True)

# Few channels and much of what is rare, so that different bursts come to look alike.
channels = st.integers(0, 3)
occurrences = st.lists(channels, max_size=2).map(lambda ids: b"".join(wire.number_field(1, c) for c in ids))
packed_channels = st.lists(channels, max_size=3).map(lambda ids: wire.bytes_field(1, bytes(ids)))
samples = st.one_of(occurrences, packed_channels).map(lambda head: head + wire.bytes_field(5, b"\0" * 8))
row = st.lists(occurrences | packed_channels, max_size=2).map(b"".join)
members = st.one_of(
    st.just(wire.bytes_field(2, b"{}")),
    st.just(wire.bytes_field(3, wire.fixed64_field(1, 5))),
    samples.map(lambda body: wire.bytes_field(4, body)),
    samples.map(lambda body: wire.bytes_field(5, body)),
    row.map(lambda body: wire.bytes_field(6, body)),
    st.just(wire.bytes_field(7, wire.number_field(1, 9))),
    st.just(wire.bytes_field(8, b"new")),
    st.just(wire.bytes_field(23, b"new")),
    st.just(b"\xba\x00\x00"),  # an event whose tag takes two bytes where one would do
)
hostile_items = st.lists(members, max_size=3).map(b"".join)
honest_items = st.one_of(
    st.just(wire.bytes_field(2, b"{}")),
    st.just(wire.bytes_field(3, wire.fixed64_field(2, 5))),
    st.tuples(st.sampled_from([4, 5]), channels).map(
        lambda t: wire.bytes_field(t[0], wire.number_field(1, t[1]) if t[1] else b"")
    ),
    st.lists(channels, max_size=3).map(
        lambda ids: wire.bytes_field(6, wire.bytes_field(1, bytes(ids)) if ids else b"")
    ),
    st.just(wire.bytes_field(7, b"")),
    st.just(wire.bytes_field(8, b"new")),
    st.just(b""),
)
subscriptions = st.builds(
    lambda events, all_data, ids: NOTHING.widened(Subscription(events, all_data, ids)),
    st.booleans(),
    st.booleans(),
    st.frozensets(channels, max_size=3),
)
filters = st.builds(Filter, subscriptions, st.none() | subscriptions)


def covered(item: StreamData, subscription: Subscription) -> bool:
    kind = item.WhichOneof("data")
    if kind == "event":
        return subscription.events
    if kind not in DATA_KINDS:
        return False
    ids = item.row_data.channel_ids if kind == "row_data" else [getattr(item, kind).channel_id]
    return subscription.all_data or any(c in subscription.channels for c in ids)


def naive_cut(raw: bytes, want: Filter) -> StreamDataBurst:
    """What the protocol asks for, one whole object after the other."""
    burst = StreamDataBurst.FromString(raw)
    going = [
        covered(i, want.include) and not covered(i, want.exclude)
        if want.exclude is not None
        else covered(i, want.include) or i.WhichOneof("data") == "session_json"
        for i in burst.data
    ]
    riding = [i.WhichOneof("data") in (None, "time_range") for i in burst.data]
    if not any(going):
        return StreamDataBurst()
    return StreamDataBurst(data=[i for i, g, r in zip(burst.data, going, riding, strict=True) if g or r])


def cut(cache: LayoutCache, raw: bytes, want: Filter) -> StreamDataBurst:
    taken = cache.layout(raw).taken(want)
    if isinstance(taken, bool):
        return StreamDataBurst.FromString(raw if taken else b"")
    return StreamDataBurst.FromString(b"".join(taken(pieces(raw))))


def taken(cache: LayoutCache, items: list[bytes], subscription: Subscription) -> tuple[int, ...]:
    return cache.layout(wire.join(items)).pick(Filter(subscription))


def only(*ids: int) -> Subscription:
    return Subscription(channels=frozenset(ids))


def timestamped(*ids: int) -> bytes:
    return wire.bytes_field(4, b"".join(wire.number_field(1, c) for c in ids))


def periodic(*ids: int) -> bytes:
    return wire.bytes_field(5, b"".join(wire.number_field(1, c) for c in ids))


def row_of(*ids: int) -> bytes:
    return wire.bytes_field(6, wire.bytes_field(1, b"".join(map(wire.varint, ids))))


EVENT = wire.bytes_field(7, b"")
RANGE = wire.bytes_field(3, wire.fixed64_field(1, 5))
JSON = wire.bytes_field(2, b"{}")
UNKNOWN = wire.bytes_field(23, b"new")


# The invariant


@given(
    st.lists(st.lists(honest_items, max_size=6), min_size=1, max_size=6),
    st.lists(filters, min_size=1, max_size=4),
)
@settings(deadline=None, max_examples=examples(150))
def test_cutting_the_bursts_of_a_source_is_the_naive_cut(bursts: list[list[bytes]], wants: list[Filter]) -> None:
    cache = LayoutCache()
    for raw in map(wire.join, bursts):
        for want in wants:
            assert cut(cache, raw, want) == naive_cut(raw, want)


@given(st.lists(hostile_items, max_size=5), filters)
@settings(deadline=None, max_examples=examples(150))
def test_cutting_a_single_burst_of_any_shape_is_the_naive_cut(items: list[bytes], want: Filter) -> None:
    raw = wire.join(items)
    assert cut(LayoutCache(), raw, want) == naive_cut(raw, want)


@given(st.lists(st.lists(hostile_items, max_size=3), min_size=2, max_size=4), filters)
@settings(deadline=None, max_examples=examples(300))
def test_no_burst_of_any_shape_changes_how_the_next_one_is_cut(bursts: list[list[bytes]], want: Filter) -> None:
    cache = LayoutCache()
    for raw in map(wire.join, bursts):
        assert cut(cache, raw, want) == naive_cut(raw, want)


@given(st.lists(honest_items, max_size=6), filters)
@settings(deadline=None)
def test_a_burst_that_a_quick_look_rules_out_has_nothing_to_cut(items: list[bytes], want: Filter) -> None:
    raw = wire.join(items)
    assert want.may_want(read_burst(pack(raw))) or naive_cut(raw, want) == StreamDataBurst()


@given(st.lists(honest_items, max_size=6), filters)
@settings(deadline=None)
def test_a_burst_that_a_quick_look_takes_whole_has_nothing_to_leave_out(items: list[bytes], want: Filter) -> None:
    raw = wire.join(items)
    burst = read_burst(pack(raw))
    if want.may_want(burst) and want.wants_whole(burst):
        assert naive_cut(raw, want) == burst.message()


@given(st.lists(honest_items, max_size=6), st.lists(filters, min_size=2, max_size=2))
@settings(deadline=None, max_examples=examples(50))
def test_a_pick_that_is_remembered_is_the_pick_that_was_made(items: list[bytes], wants: list[Filter]) -> None:
    layout = LayoutCache().layout(wire.join(items))
    first = [layout.pick(w) for w in wants]
    assert [layout.pick(w) for w in wants] == first


# Its parts, one by one


def test_the_items_of_a_subscribed_channel_go_out_in_order() -> None:
    assert taken(LayoutCache(), [timestamped(1), periodic(2), periodic(1)], only(1)) == (0, 2)


def test_channel_zero_is_a_channel() -> None:
    assert taken(LayoutCache(), [timestamped(), periodic(), timestamped(1)], only(0)) == (0, 1)


def test_a_channel_zero_that_is_written_out_is_the_same_channel() -> None:
    assert taken(LayoutCache(), [timestamped(0), periodic(1)], only(0)) == (0,)


def test_a_row_goes_out_for_any_of_its_channels() -> None:
    assert taken(LayoutCache(), [row_of(1, 2, 3), row_of(4, 5)], only(2)) == (0,)


def test_a_row_with_a_large_channel_is_found() -> None:
    assert taken(LayoutCache(), [row_of(2**32 - 1), row_of(300)], only(2**32 - 1)) == (0,)


def test_a_channel_that_was_written_twice_is_the_last_one() -> None:
    assert taken(LayoutCache(), [timestamped(1, 2)], only(2)) == (0,)
    assert taken(LayoutCache(), [timestamped(1, 2)], only(1)) == ()


def test_an_item_with_two_kinds_is_the_last_one() -> None:
    assert taken(LayoutCache(), [timestamped(1) + periodic(2)], only(2)) == (0,)
    assert taken(LayoutCache(), [timestamped(1) + periodic(2)], only(1)) == ()


def test_events_are_no_data_channel() -> None:
    assert taken(LayoutCache(), [EVENT, timestamped()], Subscription(all_data=True)) == (1,)


def test_all_events_are_only_events() -> None:
    assert taken(LayoutCache(), [EVENT, timestamped(), row_of(0)], Subscription(events=True)) == (0,)


def test_session_json_goes_to_those_who_have_subscribed_nothing() -> None:
    assert taken(LayoutCache(), [timestamped(1), JSON], NOTHING) == (1,)


def test_a_time_range_is_no_reason_to_send() -> None:
    assert taken(LayoutCache(), [RANGE, timestamped(1)], only(2)) == ()


@pytest.mark.parametrize("item", [RANGE, UNKNOWN, b""], ids=["time range", "unknown field", "empty"])
def test_what_has_no_channel_rides_along(item: bytes) -> None:
    assert taken(LayoutCache(), [item, timestamped(1), timestamped(2)], only(2)) == (0, 2)


def test_a_back_fill_leaves_out_what_was_delivered() -> None:
    items = [timestamped(1), timestamped(2), row_of(1, 2), row_of(2, 3), EVENT, JSON]
    want = Filter(Subscription(events=True, channels=frozenset({1, 2})), only(1))
    assert LayoutCache().layout(wire.join(items)).pick(want) == (1, 3, 4)


def test_an_empty_burst_has_nothing_to_send() -> None:
    assert taken(LayoutCache(), [], ALL) == ()


# What is remembered


def test_bursts_of_one_shape_share_a_layout() -> None:
    cache = LayoutCache()
    bursts = [[wire.bytes_field(5, wire.number_field(1, 1) + wire.bytes_field(5, b))] for b in (b"some", b"other")]
    one, other = [cache.layout(wire.join(b)) for b in bursts]
    assert one is other


def test_no_more_layouts_are_remembered_than_asked_for() -> None:
    cache = LayoutCache(size=2)
    bursts = [[periodic(c)] for c in (1, 2, 3)]
    first = cache.layout(wire.join(bursts[0]))
    for b in bursts[1:]:
        cache.layout(wire.join(b))
    assert cache.layout(wire.join(bursts[0])) is not first


def test_the_layout_that_was_used_last_is_remembered_longest() -> None:
    cache = LayoutCache(size=2)
    bursts = [[periodic(c)] for c in (1, 2, 3)]
    first, _, again, _ = [cache.layout(wire.join(b)) for b in (bursts[0], bursts[1], bursts[0], bursts[2])]
    assert first is again is cache.layout(wire.join(bursts[0]))


def test_a_filter_remembers_the_picks_of_a_bounded_number_of_layouts() -> None:
    want = Filter(only(1))
    for c in range(100):
        items = [periodic(1), periodic(c + 2)]
        assert callable(want.taken(LayoutCache().layout(wire.join(items))))
    assert len(want.known) <= 16


@pytest.mark.parametrize(
    ("hostile", "honest"),
    [
        ([timestamped(1, 2), timestamped()], [timestamped(1), timestamped(2)]),
        ([wire.bytes_field(4, wire.bytes_field(1, b"\x02"))], [timestamped(2)]),
        ([timestamped(1) + periodic(2), periodic()], [timestamped(1), periodic(2)]),
        ([UNKNOWN + EVENT], [UNKNOWN]),
        ([EVENT + JSON], [EVENT]),
        ([RANGE + EVENT], [RANGE]),
    ],
    ids=[
        "a channel twice and a channel 0",
        "a channel as a packed list",
        "two kinds and a channel 0",
        "an event behind an unknown field",
        "session JSON behind an event",
        "an event behind a time range",
    ],
)
def test_a_burst_that_looks_like_another_does_not_lend_it_its_layout(hostile: list[bytes], honest: list[bytes]) -> None:
    cache = LayoutCache()
    for want in map(Filter, (ALL, NOTHING, only(0), only(1), only(2), Subscription(events=True))):
        assert cut(cache, wire.join(hostile), want) == naive_cut(wire.join(hostile), want)
        assert cut(cache, wire.join(honest), want) == naive_cut(wire.join(honest), want)


def test_a_real_burst_is_cut_and_read_again() -> None:
    raw = make_burst([StreamData(session_json="{}"), StreamData(event={})]).raw()
    taken = LayoutCache().layout(raw).taken(Filter(NOTHING))
    assert callable(taken)
    assert read_burst(pack(b"".join(taken(pieces(raw))))).session_json == ("{}",)
