"""Packets: as paho would write them, and cut where they end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from rta_transports.mqtt.packets import (
    PacketReader,
    acknowledgement,
    packed_properties,
    packed_string,
    publish_packet,
)
from rta_transports.mqtt.speaker import properties

from rta.errors import MalformedError


class Ear:
    """What paho takes for a socket."""

    def __init__(self):
        self.heard = b""

    def send(self, data):
        self.heard += bytes(data)
        return len(data)

    def close(self):
        pass


def as_paho_writes(topic, payload, retain, qos, **said):
    client = Client(CallbackAPIVersion.VERSION2, "x", protocol=MQTTProtocolVersion.MQTTv5)
    client._sock = ear = Ear()
    client.publish(topic, payload, qos, retain, properties(PacketTypes.PUBLISH, **said) if said else None)
    return ear.heard


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("size", [0, 1, 117, 118, 119, 120, 200, 16370, 16384, 70000, 2_200_000])
def test_a_message_is_written_as_paho_writes_it(retain, qos, size):
    ours = publish_packet(packed_string(b"a/b"), bytes(size), retain=retain, mid=qos)
    assert ours == as_paho_writes("a/b", bytes(size), retain, qos)


@pytest.mark.parametrize(
    ("response_topic", "correlation"), [("ä/result", None), (None, b"\0\xff"), (None, b""), ("r" * 200, b"c" * 300)]
)
def test_properties_are_written_as_paho_writes_them(response_topic, correlation):
    said = {"ResponseTopic": response_topic, "CorrelationData": correlation}
    theirs = as_paho_writes("t", b"p", False, 0, **{k: v for k, v in said.items() if v is not None})
    packed = packed_properties(response_topic, correlation)
    assert publish_packet(packed_string(b"t"), b"p", properties=packed) == theirs


def test_what_is_too_long_for_its_length_is_refused():
    with pytest.raises(ValueError, match="there may be 65535"):
        packed_properties(None, bytes(65536))


PACKETS = st.lists(
    st.builds(lambda n, retain: publish_packet(packed_string(b"t"), bytes(n), retain=retain), st.integers(0, 300),
              st.booleans()), max_size=8)  # fmt: skip


@given(PACKETS, st.data())
def test_packets_are_cut_out_of_whatever_pieces_they_come_in(packets, data):
    reader = PacketReader(1000)
    rest, got = b"".join(packets), []
    while rest:
        n = data.draw(st.integers(1, len(rest)))
        got += reader.feed(rest[:n])
        rest = rest[n:]
    assert got == packets


def test_a_packet_that_is_too_large_is_refused_as_soon_as_its_length_is_known():
    with pytest.raises(MalformedError, match="a packet of 1003 bytes; we take 1000"):
        list(PacketReader(1000).feed(publish_packet(packed_string(b"t"), bytes(996))[:5]))


def test_a_length_of_more_than_four_bytes_is_refused():
    with pytest.raises(MalformedError, match="more than four bytes"):
        list(PacketReader(1000).feed(b"\x30\xff\xff\xff\xff\x01"))


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (b"\x40\x02\x01\x02", (0x102, 0)),
        (b"\x40\x03\x00\x07\x87", (7, 0x87)),
        (b"\x40\x04\x00\x07\x10\x00", (7, 0x10)),
        (b"\x40\x86\x01\x00\x07\x87" + bytes(131), (7, 0x87)),
    ],
)
def test_acknowledgements_are_read(packet, said):
    assert acknowledgement(packet) == said


@pytest.mark.parametrize("packet", [b"\x40\x00", b"\x40\x01\x07"])
def test_an_acknowledgement_of_nothing_is_malformed(packet):
    with pytest.raises(MalformedError, match="an acknowledgement of nothing"):
        acknowledgement(packet)
