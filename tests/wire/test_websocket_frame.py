"""Frames that are shared by every client: RFC 6455, 5.2."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, Event, Ping

from rta.wire.websocket import PING, SUBPROTOCOL, frame

from .independent import frame_payload


def events_at_a_client(data: bytes) -> list[Event]:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    return list(client.events())


def test_the_sub_protocol_is_the_one_clients_ask_for() -> None:
    assert SUBPROTOCOL == "mat.ocs.rta.stream-lz4"


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "8200"),
        (1, "8201"),
        (125, "827d"),
        (126, "827e007e"),
        (65535, "827effff"),
        (65536, "827f0000000000010000"),
        (1 << 20, "827f0000000000100000"),
    ],
)
def test_the_length_takes_the_shortest_form(size: int, head: str) -> None:
    assert frame(bytes(size)).startswith(bytes.fromhex(head))
    assert len(frame(bytes(size))) == len(head) // 2 + size


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_a_frame_holds_its_payload_as_it_is(payload: bytes) -> None:
    assert frame_payload(frame(payload)) == payload


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_client_library_reads_one_whole_binary_message(size: int) -> None:
    (message,) = events_at_a_client(frame(b"\xa5" * size))
    assert isinstance(message, BytesMessage)
    assert (bytes(message.data), message.message_finished) == (b"\xa5" * size, True)


def test_a_client_library_reads_the_ping_as_an_empty_one() -> None:
    assert events_at_a_client(PING) == [Ping(payload=b"")]
