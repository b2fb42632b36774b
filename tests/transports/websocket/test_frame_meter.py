"""Frames of a client are counted, in whatever pieces they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rta_transports.websocket.frames import FrameMeter


def frame(opcode: int, size: int = 0, *, fin: bool = True, mask: bool = True) -> bytes:
    first, bit = opcode | (0x80 if fin else 0), 0x80 if mask else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 65536:
        head = bytes([first, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + size.to_bytes(8, "big")
    return head + bytes(4 if mask else 0) + b"\xff" * size


def fed(meter: FrameMeter, data: bytes) -> bytes:
    """What is handed on of it, all being fed again until it is."""
    out = b""
    while data and not meter.exceeded:
        taken = meter.feed(data)
        assert taken
        out, data = out + data[:taken], data[taken:]
    return out


BEGIN, EMPTY = frame(2, fin=False), frame(0, fin=False)


def test_empty_frames_of_one_message_are_too_many_at_last():
    meter = FrameMeter(6400)
    fed(meter, BEGIN + EMPTY * 99)
    assert not meter.exceeded
    fed(meter, EMPTY)
    assert meter.exceeded


def test_messages_of_their_own_are_not_added_up():
    meter = FrameMeter(1024)
    fed(meter, (BEGIN + frame(0, 10)) * 1000 + frame(1) * 1000)
    assert not meter.exceeded


def test_pings_within_a_message_do_not_count():
    meter = FrameMeter(1024)
    fed(meter, BEGIN + frame(9, 100) * 1000 + frame(0))
    assert not meter.exceeded


def test_one_long_frame_is_left_to_the_library():
    meter = FrameMeter(1024)
    assert len(fed(meter, frame(2, 100_000))) == len(frame(2, 100_000))
    assert not meter.exceeded


def test_a_long_message_in_parts_is_too_long_when_its_last_part_begins():
    meter = FrameMeter(1024)
    fed(meter, frame(2, 1000, fin=False) + frame(0, 25)[:6])
    assert meter.exceeded


def test_few_frames_are_handed_on_at_once():
    meter = FrameMeter(1 << 20)
    assert meter.feed(frame(9) * 100) == 32 * len(frame(9))


FRAMES = st.lists(
    st.builds(
        frame,
        st.sampled_from([0, 1, 2, 8, 9, 10]),
        st.sampled_from([0, 1, 125, 126, 200, 65535, 65536]),
        fin=st.booleans(),
        mask=st.booleans(),
    ),
    max_size=6,
).map(b"".join)


@given(FRAMES, st.lists(st.integers(1, 200_000), max_size=8))
def test_it_does_not_matter_how_they_are_cut(data: bytes, cuts: list[int]):
    whole, parts = FrameMeter(100_000), FrameMeter(100_000)
    out = fed(whole, data)
    handed_on = b""
    for size in [*cuts, len(data) or 1]:
        handed_on += fed(parts, data[:size])
        data = data[size:]
    assert (handed_on, parts.exceeded) == (out, whole.exceeded)
