"""What is on its way out: bounds, window, fates."""

from __future__ import annotations

import pytest
from rta_transports.mqtt.limits import BrokerLimits
from rta_transports.mqtt.outgoing import Outgoing

from rta.errors import QueueFullError, UndeliverableError


class Way:
    """An `Outgoing` and where its packets go."""

    def __init__(self, limits=None, in_flight=100, max_messages=100, max_bytes=100_000):
        self.packets = []
        self.bytes = 0
        self.told = []
        self.out = Outgoing(self.leave, limits or BrokerLimits(), in_flight, max_messages, max_bytes)

    def leave(self, packet):
        self.packets.append(packet)
        self.bytes += len(packet)
        return self.bytes

    def put(self, name, qos=0, payload=b"", retain=False, response_topic=None):
        self.out.put(
            "a",
            payload,
            retain,
            qos,
            response_topic,
            None,
            lambda error: self.told.append((name, error and str(error))),
        )

    def write_all(self):
        self.out.written(self.bytes)


def mids(way):
    return [int.from_bytes(p[5:7], "big") for p in way.packets]


def test_a_message_of_qos_0_is_sent_when_its_last_byte_is_written():
    way = Way()
    way.put("x")
    way.out.written(len(way.packets[0]) - 1)
    assert way.told == []
    way.write_all()
    assert way.told == [("x", None)]
    assert way.out.messages == 0


def test_a_message_of_qos_1_is_sent_when_it_is_acknowledged():
    way = Way()
    way.put("x", qos=1)
    way.write_all()
    assert way.told == []
    way.out.acknowledged(1, None)
    assert way.told == [("x", None)]


def test_one_that_the_broker_does_not_take_has_failed_with_its_reason():
    way = Way()
    way.put("x", qos=1)
    way.out.acknowledged(1, "Not authorized")
    assert way.told == [("x", "the broker refused the message: Not authorized")]


def test_an_acknowledgement_counts_once_and_of_the_unknown_not_at_all():
    way = Way()
    way.put("x", qos=1)
    for mid in (7, 1, 1):
        way.out.acknowledged(mid, None)
    assert way.told == [("x", None)]
    assert way.out.messages == 0


@pytest.mark.parametrize(("broker", "ours", "window"), [(3, 100, 3), (65535, 4, 4)])
def test_no_more_than_the_window_is_in_flight(broker, ours, window):
    way = Way(BrokerLimits(in_flight=broker), in_flight=ours)
    for i in range(10):
        way.put(i, qos=1)
    assert len(way.packets) == window
    for i in range(1, 11):
        way.out.acknowledged(i, None)
        assert len(way.packets) == min(10, window + i)
    assert [name for name, _ in way.told] == list(range(10))


def test_qos_0_does_not_wait_for_the_window():
    way = Way(in_flight=1)
    way.put("first", qos=1)
    way.put("second", qos=1)
    way.put("passes", qos=0)
    assert len(way.packets) == 2


def test_packet_ids_in_use_are_left_out():
    way = Way(in_flight=65535, max_messages=100_000, max_bytes=1 << 30)
    way.put("kept", qos=1)
    for mid in range(2, 65536):
        way.put(mid, qos=1)
        way.out.acknowledged(mid, None)
    way.put("next", qos=1)
    assert mids(way)[-1] == 2


def test_over_the_bound_of_messages_there_is_no_room():
    way = Way(max_messages=2)
    way.put("x")
    way.put("y", qos=1)
    with pytest.raises(QueueFullError, match=r"2 messages of .* wait to be sent"):
        way.put("z")
    way.write_all()
    way.put("z")


def test_over_the_bound_of_bytes_there_is_no_room():
    way = Way(max_bytes=1000)
    way.put("x", payload=bytes(600))
    with pytest.raises(QueueFullError, match="there is no room"):
        way.put("y", payload=bytes(600))


@pytest.mark.parametrize("limits", [BrokerLimits(), BrokerLimits(packet=500)])
def test_what_is_too_large_is_not_tried(limits):
    way = Way(limits, max_bytes=800)
    with pytest.raises(UndeliverableError, match=r"is too large; (500|800) are allowed"):
        way.put("x", payload=bytes(1000))
    assert way.packets == []


def test_what_the_broker_does_not_know_is_not_tried():
    way = Way(BrokerLimits(retain=False, qos=0))
    with pytest.raises(UndeliverableError, match="takes no messages to retain"):
        way.put("x", retain=True)
    with pytest.raises(UndeliverableError, match="takes no QoS 1"):
        way.put("x", qos=1)
    way.put("x")


def test_what_is_no_topic_is_refused_without_a_trace():
    way = Way()
    with pytest.raises(ValueError, match="is not a topic to answer on"):
        way.put("x", response_topic="r/+")
    with pytest.raises(ValueError, match="'#' is not a topic to publish to"):
        way.out.put("#", b"", False, 0, None, None, None)
    assert way.out.messages == 0


def test_at_the_end_all_are_told_once():
    way = Way(in_flight=1)
    for i, qos in enumerate((0, 1, 1, 0)):
        way.put(i, qos=qos)
    way.out.abandon("it is over")
    way.write_all()
    way.out.acknowledged(1, None)
    assert sorted(way.told) == [(i, "it is over") for i in range(4)]
    assert way.out.messages == 0
