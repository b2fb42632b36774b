"""Bursts as columns of raw samples."""

from __future__ import annotations

from rta.errors import MalformedError
from rta.wire import (
    ChannelId,
    Parameter,
    SampleType,
    data_item,
    encode_periodic,
    encode_row,
    encode_timestamped,
    make_burst,
)
from rta.wire.columns import ColumnReader
from rta.wire.conversion import BoundParameter

A, B, C = map(ChannelId, (1, 2, 3))
TYPES = {A: SampleType.F32, B: SampleType.U8}


def reader() -> ColumnReader:
    made = ColumnReader()
    made.know([BoundParameter(Parameter(str(c)), None, {c: kind}) for c, kind in TYPES.items()])
    return made


def columns(*data, **options) -> list[tuple[int, list[int], list[object]]]:
    burst = make_burst([data_item(d) for d in data])
    return [(c, t.tolist(), s.tolist()) for c, t, s in reader().read(burst, **options)]


def row(ts: int, a: float, b: int):
    return encode_row([A, B], ts, [a, b], TYPES)


def test_rows_of_the_same_channels_that_follow_each_other_are_one_table():
    other = encode_row([B], 3, [9], TYPES)
    assert columns(row(1, 0.5, 7), row(2, 1.5, 8), other, row(4, 2.5, 9)) == [
        (A, [1, 2], [0.5, 1.5]),
        (B, [1, 2], [7, 8]),
        (B, [3], [9]),
        (A, [4], [2.5]),
        (B, [4], [9]),
    ]


def test_only_the_wanted_channels_are_read():
    items = encode_timestamped(A, [1], [1], SampleType.F32), encode_periodic(B, 1, 1, [2], SampleType.U8), row(5, 3, 4)
    assert columns(*items, wanted={B}) == [(B, [1], [2]), (B, [5], [4])]
    assert columns(*items, wanted=()) == []


def test_a_row_that_is_too_short_costs_no_other():
    short = encode_row([A], 2, [1], {A: SampleType.U8})
    short.channel_ids.append(B)
    faults: list[MalformedError] = []
    assert columns(row(1, 0.5, 7), short, row(3, 1.5, 8), malformed=faults.append) == [
        (A, [1, 3], [0.5, 1.5]),
        (B, [1, 3], [7, 8]),
    ]
    assert [f.kind for f in faults] == ["row"]


def test_what_a_row_has_over_is_left_out():
    long = row(1, 0.5, 7)
    long.buffer += b"\0\0\0"
    assert columns(long, row(2, 1.5, 8)) == [(A, [1, 2], [0.5, 1.5]), (B, [1, 2], [7, 8])]


def test_rows_of_a_channel_without_a_type_are_told_one_by_one():
    unknown = [encode_row([A, C], t, [1, 1], {A: SampleType.F32, C: SampleType.U8}) for t in (1, 2)]
    faults: list[MalformedError] = []
    assert columns(*unknown, malformed=faults.append) == []
    assert [str(f) for f in faults] == ["row data of channel 3, whose type is not known"] * 2


def test_an_item_without_samples_is_no_column():
    assert columns(encode_periodic(A, 1, 1, [], SampleType.F32)) == []
