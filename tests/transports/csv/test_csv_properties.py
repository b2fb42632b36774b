"""For any table: every cell once, with its time and value. For any text: nothing but well-formed updates."""

from __future__ import annotations

import math
import struct

from csv_replay import NOW, play
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.ports import RtaError, SessionBurst
from rta.testing.source_checks import (
    check_burst,
    check_configurations,
    check_items,
    check_order,
    check_session_json,
    check_states,
)
from rta.wire import SampleType
from rta.wire.burst import SizeLimits

KINDS = st.sampled_from(["timestamped", "periodic", "row"])
QUICK = settings(max_examples=examples(60), deadline=None)


def cells(kind):
    """Values of a sample type and their text; None: a blank cell."""
    if kind.is_integer:
        bits = int(kind[1:])
        low = 0 if kind[0] == "u" else -(2 ** (bits - 1))
        values = st.integers(low, low + 2**bits - 1)
    else:
        values = st.floats(width=int(kind[1:]))
    return st.none() | values


@st.composite
def tables(draw):
    types = draw(st.lists(st.sampled_from(list(SampleType)), min_size=1, max_size=4))
    steps = st.sampled_from([0, 1, 999_999, 100_000_000, 100_500_000, 1_000_000_000]) | st.integers(-(10**9), 10**10)
    row = st.tuples(steps, *(cells(kind) for kind in types))
    rows = draw(st.lists(row, min_size=1, max_size=30))
    time = draw(st.integers(-(10**15), 10**15))
    table = []
    for step, *values in rows:
        time += step
        table.append((time, values))
    return types, table


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


@QUICK
@given(tables(), KINDS, st.sampled_from([0.5, 1, 3, 1000]))
def test_every_cell_arrives_once_with_its_time_and_value(table, kind, speed):
    types, rows = table
    head = ",".join(["t", *(f"c{i}" for i in range(len(types)))])
    text = "\n".join([head, *(",".join([str(t), *("" if v is None else repr(v) for v in vs)]) for t, vs in rows)])
    played = play(
        text + "\n",
        time_unit="ns",
        kind=kind,
        interval=0.1,
        speed=speed,
        types={f"c{i}": t for i, t in enumerate(types)},
        time_column="t",
        on_time_back="keep",
    )
    assert played.malformed == []
    sampled = [t for t, vs in rows if any(v is not None for v in vs)]
    latest = 0.0
    expected = {}
    for time, values in rows:
        if time in sampled and any(v is not None for v in values):
            elapsed = time - sampled[0]
            latest = max(latest, elapsed / 1e9 / speed)
            for number, value in enumerate(values, 1):
                if value is not None:
                    expected.setdefault(number, []).append((latest, NOW + elapsed, value))
    samples = played.samples() if sampled else {}
    assert samples.keys() == expected.keys()
    slack = 1_000_000 if kind == "periodic" else 0  # 1 % of the interval
    for channel, wanted in expected.items():
        found = samples[channel]
        assert len(found) == len(wanted)
        for (moment, timestamp, value), (due, wanted_timestamp, wanted_value) in zip(found, wanted, strict=True):
            assert same(value, wanted_value)
            assert abs(timestamp - wanted_timestamp) <= slack
            assert due - 1e-6 <= moment <= due + 0.1 + 1e-6


def check_all(updates):
    check_order(updates, set())
    check_states(updates)
    check_configurations(updates, set())
    check_items(updates)
    for update in updates:
        check_session_json(update)
        if isinstance(update, SessionBurst):
            check_burst(update.burst, SizeLimits())


ODD_CELLS = st.sampled_from(
    ["", " ", "0", "1", "2.5", "-3", "1e9", "1e300", "nan", "inf", "x", '"', '"1"', '""', "\0", "é", "2021-05-04"]
)
ODD_LINES = st.lists(ODD_CELLS, max_size=4).map(",".join)
ODD_TEXTS = st.lists(ODD_LINES, max_size=12).map(lambda lines: "\n".join(["t,a (V),b", *lines]).encode())


@QUICK
@given(
    ODD_TEXTS | st.binary(max_size=80) | st.text(max_size=80).map(lambda t: t.encode(errors="surrogatepass")),
    KINDS,
    st.sampled_from(["s", "ns", "iso"]),
    st.sampled_from(["start", "file"]),
    st.sampled_from(list(SampleType)),
)
def test_any_text_gives_well_formed_updates_or_says_what_is_wrong(text, kind, unit, origin, sample_type):
    played = play(text, kind=kind, interval=1, time_unit=unit, origin=origin, type=sample_type)
    check_all(played.updates)
    assert played.error is None or type(played.error) is RtaError
    assert all(detail.isprintable() for _, detail in played.malformed)


@QUICK
@given(st.lists(st.binary(max_size=12), max_size=8), st.integers(0, 7))
def test_nothing_good_is_lost_among_rubbish(rubbish, where):
    good = [f"{i},{i * 2}".encode() for i in range(8)]
    lines = [line for i, g in enumerate(good) for line in [g, *(rubbish if i == where else [])]]
    plain = {"encoding": "utf-8", "delimiter": ",", "decimal": ".", "thousands": "", "comment": "", "header": 1}
    times = {"time_column": "t", "time_unit": "s", "on_time_back": "keep", "channel": ""}
    played = play(b"t,a\n" + b"\n".join(lines) + b"\n", **plain, **times)
    found = played.values()
    wanted = iter([i * 2 for i in range(8)])
    missing = next(wanted, None)
    for value in found:
        if value == missing:
            missing = next(wanted, None)
    assert missing is None


def test_f32_values_are_those_of_the_wire():
    assert play("t,a\n0,0.1\n", type=SampleType.F32).values() == [struct.unpack("<f", struct.pack("<f", 0.1))[0]]
