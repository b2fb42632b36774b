"""Subscriptions widen as unions; filters decide about whole bursts as they do about items."""

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.session.subscription import NOTHING, Filter, Subscription, read_request
from rta.wire._pb.stream_pb2 import StreamData, StreamRequest, StreamSubscription
from rta.wire.layout import ItemKind

from .simulation import ALL, Spec, json_data, make_item, only, pack_raw, range_data

channels = st.integers(0, 5)
subscriptions = st.builds(
    lambda events, all_data, some: Subscription(events, all_data, frozenset() if all_data else some),
    st.booleans(),
    st.booleans(),
    st.frozensets(channels, max_size=4),
)
filters = st.builds(Filter, subscriptions, st.none() | subscriptions)
items = st.one_of(
    st.builds(Spec, st.sampled_from(["timestamped", "periodic"]), st.tuples(channels), st.just(0)),
    st.builds(Spec, st.just("row"), st.lists(channels, max_size=3).map(tuple), st.just(0)),
    st.just(Spec("event")),
    st.just("json"),
    st.just("range"),
)
KINDS = {
    "timestamped": ItemKind.TIMESTAMPED,
    "periodic": ItemKind.PERIODIC,
    "row": ItemKind.ROW,
    "event": ItemKind.EVENT,
}


def kind_and_channels(spec: Spec | str) -> tuple[int, tuple[int, ...]]:
    if spec == "json":
        return ItemKind.SESSION_JSON, ()
    if spec == "range":
        return ItemKind.TIME_RANGE, ()
    assert isinstance(spec, Spec)
    return KINDS[spec.kind], spec.channels


def data_of(spec: Spec | str) -> StreamData:
    if spec == "json":
        return json_data('{"identity":"s"}')
    if spec == "range":
        return range_data(1, 2)
    assert isinstance(spec, Spec)
    return StreamData.FromString(make_item(spec, 1).data)


@given(subscriptions, subscriptions)
def test_widening_commutes(a: Subscription, b: Subscription) -> None:
    assert a.widened(b) == b.widened(a)


@given(subscriptions, subscriptions, subscriptions)
def test_widening_associates(a: Subscription, b: Subscription, c: Subscription) -> None:
    assert a.widened(b).widened(c) == a.widened(b.widened(c))


@given(subscriptions, subscriptions)
def test_widening_by_what_one_has_gives_the_same_object(a: Subscription, b: Subscription) -> None:
    both = a.widened(b)
    assert both.widened(a) is both
    assert both.widened(b) is both
    assert both.widened(both) is both


@given(subscriptions)
def test_nothing_widens_nothing(a: Subscription) -> None:
    assert a.widened(NOTHING) is a
    assert NOTHING.widened(a) == a


@given(subscriptions, subscriptions, items)
def test_a_union_wants_what_either_wants_and_nothing_else(a: Subscription, b: Subscription, item: Spec | str) -> None:
    kind = kind_and_channels(item)
    assert Filter(a.widened(b)).wanted(*kind) == (Filter(a).wanted(*kind) or Filter(b).wanted(*kind))


@given(subscriptions, subscriptions, items)
def test_old_and_newly_wanted_items_never_overlap_and_together_are_the_union(
    old: Subscription, more: Subscription, item: Spec | str
) -> None:
    new = old.widened(more)
    kind, numbers = kind_and_channels(item)
    before, added = Filter(old).wanted(kind, numbers), Filter(new, old).wanted(kind, numbers)
    if kind == ItemKind.SESSION_JSON:
        assert before
        assert not added
    else:
        assert not (before and added)
        assert (before or added) == Filter(new).wanted(kind, numbers)


@given(subscriptions)
def test_equal_subscriptions_hash_alike_however_they_came_about(a: Subscription) -> None:
    again = NOTHING
    for channel in sorted(a.channels, reverse=True):
        again = again.widened(only(channel))
    again = again.widened(Subscription(a.events, a.all_data))
    assert again == a
    assert hash(again) == hash(a)
    assert hash(Filter(again)) == hash(Filter(a))


def test_all_data_channels_forget_the_single_ones() -> None:
    assert only(1, 2).widened(Subscription(all_data=True)) == Subscription(all_data=True)


@pytest.mark.parametrize("kind", ["timestamped", "periodic", "row"])
def test_all_data_channels_cover_every_kind_of_data_but_no_events(kind: str) -> None:
    everything = Filter(Subscription(all_data=True))
    assert everything.wanted(KINDS[kind], (99,))
    assert not everything.wanted(ItemKind.EVENT, ())


def test_a_row_is_wanted_for_any_one_of_its_channels() -> None:
    assert Filter(only(7)).wanted(ItemKind.ROW, (5, 6, 7))
    assert not Filter(only(8)).wanted(ItemKind.ROW, (5, 6, 7))


def test_a_row_that_has_been_delivered_for_one_channel_is_not_wanted_again_for_another() -> None:
    assert not Filter(only(5, 6), only(5)).wanted(ItemKind.ROW, (5, 6))


@settings(deadline=None, max_examples=examples(300))
@given(filters, st.lists(items, max_size=5))
def test_the_quick_looks_agree_with_looking_at_every_item(want: Filter, specs: list[Spec | str]) -> None:
    burst = pack_raw([data_of(s) for s in specs])
    kinds = [kind_and_channels(s) for s in specs]
    wanted = [want.wanted(*k) for k in kinds]
    if any(wanted):
        assert want.may_want(burst)
    if want.may_want(burst) and want.wants_whole(burst):
        assert any(wanted)
        assert all(w or want.rides(kind) for w, (kind, _) in zip(wanted, kinds, strict=True))


@settings(deadline=None)
@given(st.lists(items, min_size=1, max_size=5))
def test_a_client_that_wants_everything_wants_every_burst_whole(specs: list[Spec | str]) -> None:
    assert Filter(ALL).wants_whole(pack_raw([data_of(s) for s in specs]))


def test_time_ranges_and_unknown_items_ride_along_but_are_no_reason_to_send() -> None:
    for kind in (ItemKind.TIME_RANGE, 0):
        assert Filter.rides(kind)
        assert not Filter(ALL).wanted(kind, ())


@given(subscriptions)
def test_a_request_is_read_as_it_was_written(a: Subscription) -> None:
    request = StreamRequest(
        subscribe=StreamSubscription(
            all_events=a.events, all_data_channels=a.all_data, data_channel_ids=sorted(a.channels)
        )
    )
    assert read_request(request.SerializeToString()) == a


def test_all_data_channels_in_a_request_make_its_single_ones_redundant() -> None:
    request = StreamRequest(subscribe=StreamSubscription(all_data_channels=True, data_channel_ids=[1, 2]))
    assert read_request(request.SerializeToString()) == Subscription(all_data=True)


@pytest.mark.parametrize("message", [b"", b"\x1a\x02\x08\x01"], ids=["no option", "an option of the future"])
def test_an_unknown_option_is_ignored(message: bytes) -> None:
    assert read_request(message) is None


def test_bytes_that_are_no_request_are_malformed() -> None:
    with pytest.raises(MalformedError) as caught:
        read_request(b"\x12\xff")
    assert caught.value.kind == "request"
