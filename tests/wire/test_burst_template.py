"""Recognising bursts by their bytes, against parsing each of them."""

from examples import examples
from google.protobuf.message import DecodeError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rta.session.subscription import Filter
from rta.wire._pb.stream_pb2 import StreamData, StreamDataBurst
from rta.wire.burst import pieces
from rta.wire.burst_template import BurstTemplate, TemplateCache
from rta.wire.layout import Layout, LayoutCache

from . import independent as wire
from .test_layout import filters, honest_items, hostile_items, naive_cut, row_of, timestamped

FULL = [
    wire.bytes_field(4, wire.number_field(1, 300) + wire.fixed64_field(2, 5) + wire.bytes_field(5, b"values")),
    wire.bytes_field(5, wire.number_field(1, 3) + wire.number_field(3, 7) + wire.bytes_field(5, b"values")),
    row_of(1, 2, 300),
    wire.bytes_field(3, wire.fixed64_field(1, 5) + wire.fixed64_field(2, 6)),
    wire.bytes_field(7, b"event"),
    wire.bytes_field(2, b"{}"),
]
# As the protocol has them, and as nobody writes them.
bursts = st.lists(st.sampled_from(FULL) | honest_items | hostile_items, max_size=5).map(wire.join)
noise = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=3)


def layout_of(raw: bytes) -> Layout:
    return LayoutCache().layout(raw)


def template_of(raw: bytes) -> BurstTemplate | None:
    return BurstTemplate.from_burst(layout_of(raw), raw)


def damaged(raw: bytes, changes: list[tuple[int, int]]) -> bytes:
    out = bytearray(raw)
    for at, byte in changes:
        out[at % len(out)] = byte
    return bytes(out)


def is_burst(raw: bytes) -> bool:
    try:
        StreamDataBurst.FromString(raw)
    except DecodeError:
        return False
    return True


def serialised(item: StreamData) -> bytes:
    return item.SerializeToString()


# The invariant


@given(bursts, noise)
@settings(deadline=None, max_examples=examples(1500))
def test_what_fits_has_the_layout_and_the_pieces_of_its_own_parsing(raw: bytes, changes: list[tuple[int, int]]) -> None:
    template = template_of(raw)
    assume(raw and template is not None)
    assert template is not None
    other = damaged(raw, changes)
    if is_burst(other) and template.fits(other):
        assert layout_of(other).items == layout_of(raw).items
        assert list(template.pieces(other)) == pieces(other)


@given(st.lists(bursts, min_size=1, max_size=2), st.lists(noise, max_size=5), filters)
@settings(deadline=None, max_examples=examples(500))
def test_bursts_that_look_alike_are_each_cut_as_naively(
    some: list[bytes], noises: list[list[tuple[int, int]]], want: Filter
) -> None:
    templates = TemplateCache()
    made = [damaged(raw, changes) for raw in some if raw for changes in noises]
    for raw in [*some * 3, *filter(is_burst, made), *some]:
        layout, split = templates.open(raw)
        taken = want.taken(layout)
        out = b"".join(taken(split(raw))) if not isinstance(taken, bool) else raw if taken else b""
        # As bytes: a value may be NaN. Only the items: what goes out whole keeps fields that we do not know.
        assert [*map(serialised, StreamDataBurst.FromString(out).data)] == [*map(serialised, naive_cut(raw, want).data)]


@given(bursts)
@settings(deadline=None, max_examples=examples(300))
def test_a_burst_fits_its_own_template(raw: bytes) -> None:
    template = template_of(raw)
    if template is not None:
        assert template.fits(raw)
        assert list(template.pieces(raw)) == pieces(raw)


# Its parts, one by one


def sample(channel: int, time: int, value: bytes, interval: int = 1) -> bytes:
    fields = [wire.number_field(1, channel), wire.fixed64_field(2, time), wire.number_field(3, interval)]
    return wire.join([wire.bytes_field(4, b"".join(fields) + wire.bytes_field(5, value))])


def fits(raw: bytes, other: bytes) -> bool:
    template = template_of(raw)
    assert template is not None
    return template.fits(other)


def test_values_may_differ() -> None:
    assert fits(sample(1, 5, b"some"), sample(1, 1 << 60, b"\xff\xff\xff\xff", 100))


def test_a_channel_may_not() -> None:
    assert not fits(sample(1, 5, b"some"), sample(2, 5, b"some"))


def test_nor_may_one_of_a_row() -> None:
    assert not fits(wire.join([row_of(1, 2, 3)]), wire.join([row_of(1, 2, 4)]))


def test_nor_may_a_number_end_elsewhere() -> None:
    raw, other = (
        wire.join([wire.bytes_field(4, wire.number_field(1, 2) + wire.number_field(3, n) + rest)])
        for n, rest in ((300, b"\x18\x01"), (1, b"\x08\x07\x08"))
    )
    assert not fits(raw, other[: len(raw)].ljust(len(raw), b"\x01"))


def test_a_value_that_becomes_a_channel_is_noticed() -> None:
    raw = wire.join([wire.bytes_field(4, wire.number_field(1, 2) + wire.number_field(3, 4))])
    assert not fits(raw, raw.replace(b"\x18\x04", b"\x08\x04"))


def test_there_is_no_template_of_what_nobody_writes() -> None:
    for raw in (
        b"\x0a\x82\x00\x3a\x00",  # a length in more bytes than it needs
        wire.join([timestamped(1) + timestamped()]),
        wire.join([b""]),
        wire.join([wire.bytes_field(8, b"new")]),
        wire.join([timestamped(1)]) + wire.bytes_field(2, b"new"),
        wire.join([wire.bytes_field(4, b"\x3b\x3c")]),  # a group
    ):
        assert is_burst(raw)
        assert template_of(raw) is None


# When they are made


def test_the_second_burst_of_a_size_makes_the_template_and_the_third_is_recognised() -> None:
    templates = TemplateCache()
    opened = [templates.open(sample(1, t, b"some")) for t in range(3)]
    assert len({layout for layout, _ in opened}) == 1
    assert [split is pieces for _, split in opened] == [True, True, False]


def test_a_template_that_does_not_fit_is_replaced_once_its_successor_has_come_twice() -> None:
    templates = TemplateCache()
    opened = [templates.open(sample(channel, 5, b"some"))[1] is pieces for channel in (1, 1, 1, 2, 2, 2, 1)]
    assert opened == [True, True, False, True, True, False, True]


def test_large_items_are_parsed() -> None:
    templates = TemplateCache()
    assert all(templates.open(sample(1, t, b"s" * 1000))[1] is pieces for t in range(5))
