"""What clients ask for."""

from contextlib import suppress

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.session.subscription import NOTHING, Subscription, read_request
from rta.wire._pb.stream_pb2 import StreamRequest, StreamSubscription

from . import independent as wire


@given(st.booleans(), st.lists(st.integers(0, 2**32 - 1), max_size=20))
@settings(deadline=None, max_examples=examples(50))
def test_a_subscribe_is_read_as_it_was_written(events: bool, channels: list[int]) -> None:
    request = StreamRequest(subscribe=StreamSubscription(all_events=events, data_channel_ids=channels))
    assert read_request(request.SerializeToString()) == Subscription(events, False, frozenset(channels))


def test_all_data_channels_stand_for_the_channels_beside_them() -> None:
    request = StreamRequest(subscribe=StreamSubscription(all_data_channels=True, data_channel_ids=[1, 2]))
    assert read_request(request.SerializeToString()) == Subscription(all_data=True)


def test_a_hand_made_request_is_read() -> None:
    assert read_request(bytes.fromhex("12 07 08 01 1a 03 00 ac 02")) == Subscription(True, False, frozenset({0, 300}))


def test_channels_one_by_one_are_read_like_packed_ones() -> None:
    body = wire.number_field(3, 0) + wire.number_field(3, 7)
    assert read_request(wire.bytes_field(2, body)) == Subscription(channels=frozenset({0, 7}))


def test_a_subscribe_for_nothing_subscribes_nothing() -> None:
    assert read_request(wire.bytes_field(2, b"")) == NOTHING


@pytest.mark.parametrize("message", [b"", wire.bytes_field(3, b"new"), wire.bytes_field(1, b"old")])
def test_an_option_we_do_not_know_is_none(message: bytes) -> None:
    assert read_request(message) is None


def test_fifty_thousand_channels_are_read() -> None:
    request = StreamRequest(subscribe=StreamSubscription(data_channel_ids=range(50_000)))
    subscription = read_request(request.SerializeToString())
    assert subscription == Subscription(channels=frozenset(range(50_000)))


@pytest.mark.parametrize("message", [b"\x12", b"\x12\x05\x08", b"\xff\xff", b"subscribe"])
def test_a_damaged_request_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        read_request(message)
    assert caught.value.kind == "request"


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda body: wire.bytes_field(2, body)))
@settings(deadline=None, max_examples=examples(50))
def test_any_bytes_are_a_request_or_malformed(message: bytes) -> None:
    with suppress(MalformedError):
        read_request(message)
