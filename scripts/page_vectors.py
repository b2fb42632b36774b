#!/usr/bin/env python3
"""What the page's decoders are held to: bytes and texts as Python writes them, and what they mean to Python.

    python scripts/page_vectors.py        writes web/tests/vectors.json

The tests of web/ read it, and tests/wire/test_page_vectors.py holds it to Python.
"""

from __future__ import annotations

import json
import math
import random
import re
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np

from rta.testing.bursts import MOMENT, burst_of_every_kind, numbered_burst, session_json
from rta.wire import (
    Burst,
    ChannelId,
    ConfigBinding,
    Conversion,
    Event,
    Parameter,
    SampleType,
    TimeRange,
    TimestampedData,
    data_item,
    decode_samples,
    encode_periodic,
    encode_row,
    encode_samples,
    encode_timestamped,
    make_burst,
    range_item,
    read_configuration,
)
from rta.wire._pb import stream_pb2
from rta.wire.block import pack
from rta.wire.burst import Data, PeriodicData, RowData
from rta.wire.chunks import ChunkWriter, DataKind, make_chunk
from rta.wire.configuration import ConversionTable, Rational, TextConversion
from rta.wire.conversion import bind, convert, format_value
from rta.wire.json_model import converter
from rta.wire.session_json import read_session

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "web" / "tests" / "vectors.json"
BASE = MOMENT - 5
"""ns since the Unix epoch: what the page's offsets count from."""


def blocks() -> list[dict[str, Any]]:
    """Bytes, and what they are as an LZ4 block."""
    chance = random.Random(1)
    text = b"to be or not to be, that is the question; " * 12
    raws = [b"", b"x", b"abcabcabcabcabcabcabcabcabc", bytes(5000), text, chance.randbytes(700)]
    raws += [bytes(chance.choices(b"ab", k=k)) for k in (13, 64, 999)]
    return [{"raw": encoded(raw), "packed": encoded(pack(raw))} for raw in raws]


def bursts() -> list[dict[str, Any]]:
    """Bursts, and the calls that reading them makes."""
    one, two = ChannelId(1), ChannelId(2)
    odd = [0, 7, -3, 1_000_001, 2, -(1 << 40)]
    times = [MOMENT + sum(odd[: i + 1]) for i in range(len(odd))]
    stale = TimestampedData(
        channel_id=1,
        start_timestamp=MOMENT,
        timestamp_deltas_scale=3,
        timestamp_deltas=[0, 5, -1, -99, -7],
        buffer=encode_samples([1, 2, 3], SampleType.F64),
    )
    still = TimestampedData(channel_id=1, start_timestamp=MOMENT, timestamp_deltas=[0, 0, 0], buffer=bytes(24))
    fewer = PeriodicData(channel_id=2, start_timestamp=MOMENT, interval=-10, samples=9, buffer=bytes(range(6)))
    early = encode_periodic(two, -5, 3, [1.5, 2.5])
    types = {ChannelId(c): SampleType.U16 for c in (300, 70_000, (1 << 32) - 1)}
    made = {
        "every kind": burst_of_every_kind("s"),
        "a number and a range": numbered_burst(77, TimeRange(MOMENT - 1, MOMENT + (1 << 52))),
        "odd deltas": make_burst([data_item(encode_timestamped(one, times, range(6), SampleType.S16, "be"))]),
        "more deltas than samples": make_burst([data_item(stale)]),
        "a scale of 0": make_burst([data_item(still)]),
        "fewer samples than it says": make_burst([data_item(fewer)]),
        "a row": make_burst([data_item(encode_row(list(types), MOMENT, [1, 2, 3], types))]),
        "before the epoch": make_burst([data_item(early), range_item(TimeRange(-9, 9))]),
        "events": make_burst([data_item(event) for event in events()]),
        "nothing": make_burst([]),
    }
    return [{"name": name, "packed": encoded(burst.packed), "calls": calls(burst)} for name, burst in made.items()]


def events() -> list[Event]:
    """Some, with negative numbers and texts that are not ASCII."""
    return [
        Event(event_definition_id=-1, app_name="Fahrwerk äöü", timestamp=MOMENT, raw_data=[1.5, -2.0, 1e300]),
        Event(event_definition_id=7, app_name="car", timestamp=MOMENT + 9, status_text="⚠ off"),
    ]


def calls(burst: Burst) -> list[Any]:
    """What the reader of a burst tells, item by item. Times in ns since the Unix epoch, as text."""
    return [call(item) for item in burst.message().data]


def call(item: stream_pb2.StreamData) -> list[Any]:
    """Of one item."""
    match item.WhichOneof("data"):
        case "session_json":
            return ["sessionJson", item.session_json]
        case "time_range":
            return ["timeRange", str(item.time_range.start_time), str(item.time_range.end_time)]
        case _ as kind:
            return call_of(getattr(item, str(kind)))


def call_of(data: Data) -> list[Any]:
    """Of data."""
    match data:
        case TimestampedData():
            deltas = np.array(data.timestamp_deltas, np.int64) * np.int64(data.timestamp_deltas_scale)
            times = data.start_timestamp + np.cumsum(deltas[: len(data.buffer)])
            return ["samples", data.channel_id, [str(t) for t in times.tolist()], encoded(data.buffer)]
        case PeriodicData():
            count = min(data.samples, len(data.buffer))
            times = data.start_timestamp + np.arange(count, dtype=np.int64) * data.interval
            return ["samples", data.channel_id, [str(t) for t in times.tolist()], encoded(data.buffer)]
        case RowData():
            return ["row", list(data.channel_ids), str(data.timestamp), encoded(data.buffer)]
        case Event():
            values = [data.event_definition_id, data.app_name, str(data.timestamp), data.status_text]
            return ["event", *values, list(data.raw_data)]
    raise AssertionError(data)


def answers() -> list[dict[str, Any]]:
    """Answers with data, and the calls that reading them makes."""
    one, big = ChannelId(1), ChannelId((1 << 32) - 1)
    types = {one: SampleType.U8, big: SampleType.F32}
    items: dict[DataKind, list[list[Data]]] = {
        DataKind.TIMESTAMPED: [
            [encode_timestamped(one, [MOMENT + k, MOMENT + k + 70], [k, -k])] for k in (0, 10**12, 500, 10**12 + 5)
        ],
        DataKind.PERIODIC: [[encode_periodic(big, MOMENT + k, 10, range(40), SampleType.S32)] for k in (0, 400)],
        DataKind.ROW: [[encode_row(list(types), MOMENT + k, [k, k / 3], types) for k in range(5)]],
        DataKind.EVENTS: [list(events())],
    }
    return [answer(kind, lists) for kind, lists in items.items()]


def answer(kind: DataKind, lists: list[list[Data]]) -> dict[str, Any]:
    """Of one kind: a chunk for each list."""
    chunks = []
    for k, data in enumerate(lists):
        start = MOMENT + (k * k - 3) * 1_000_000_007
        items = [item.SerializeToString() for item in data]
        chunks.append(make_chunk(kind, (1,), start, start + 99 * k, items))
    written = ChunkWriter().write(chunks)
    told = [call_of(data) for data_list in lists for data in data_list]
    ends = [[str(chunk.start), str(chunk.end)] for chunk in chunks]
    return {"kind": kind.value, "bytes": encoded(written), "calls": told, "chunks": ends}


def conversions() -> list[dict[str, Any]]:
    """Buffers of each type, and the values of parameters."""
    chance = random.Random(2)
    rules: list[tuple[Conversion | None, dict[str, Any]]] = [
        (None, {}),
        (None, {"shift": 4, "mask": "1"}),
        (None, {"shift": -3, "mask": "ffff"}),
        (None, {"shift": 40}),
        (None, {"mask": "none", "offset": -1.25}),
        (Conversion("c", rational=Rational([0, 1, 0, 0, 1, 0])), {}),
        (Conversion("c", rational=Rational([0, 0.1, 3, 0, 0, 2])), {"offset": 0.5}),
        (Conversion("c", rational=Rational([1, 2, 3, 4, 5, 6])), {}),
        (Conversion("c", rational=Rational([0, 0, 1, 0, 1, 2])), {}),
        (Conversion("c", rational=Rational([0, 1])), {}),
        (Conversion("c", table=ConversionTable([0, 1, 7, 100], [5, 6, -2, 9])), {}),
        (Conversion("c", table=ConversionTable([0, 1, 7, 100], [5, 6, -2, 9.5], True)), {"offset": 1}),
        (Conversion("c", table=ConversionTable([], [], True)), {}),
        (Conversion("c", formula={"expression": "x"}), {}),
        (Conversion("c", text=TextConversion([0, 1, 2.5], ["off", "on", "half"], "?")), {}),
    ]
    out = []
    for kind in SampleType:
        for order in ("le", "be"):
            for conversion, more in rules if order == "le" else rules[:1]:
                buffer = chance.randbytes(24) if kind.is_integer else encode_samples(numbers(chance), kind, order)
                samples = decode_samples(buffer, kind, order)
                values = convert(samples, Parameter("p", byte_order=order, **more), conversion)
                parameter = {"id": "p", "conv": "c" if conversion else "", "channels": [1], "byteOrder": order, **more}
                out.append(
                    {
                        "type": kind.value,
                        "parameter": parameter,
                        "conversion": None if conversion is None else converter.unstructure(conversion),
                        "buffer": encoded(buffer),
                        "values": [shown(v) for v in values.tolist()],
                    }
                )
    return out


def numbers(chance: random.Random) -> list[float]:
    """Of all kinds."""
    return [0.0, -0.0, 1.0, 2.5, 7.0, 100.0, math.nan, math.inf, -math.inf, chance.uniform(-9, 99)]


def shown(value: Any) -> Any:
    """A value in JSON, which has no NaN."""
    return value if isinstance(value, str) or math.isfinite(value) else str(value)


def formats() -> list[list[Any]]:
    """Formats, values and the texts that come of them."""
    chance = random.Random(3)
    forms = ["", "plain", "%.1f", "%5.2f km/h", "%d", "%s", "%%", "%d%%", "%d %d", "%x", "%#X", "%05.1f", "%-8d|"]
    forms += ["%+d", "% e", "%G", "%.0f", "%#.0f", "%c", "%08x", "%ld", "%hhu", "%.3s", "%q", "%", "100%", "%99d"]
    forms += ["%.70f", "%+05d", "% 05d", "%#o", "%-+8.2e|", "%012g"]
    forms += [random_form(chance) for _ in range(80)]
    values = [0.0, -0.0, 1.0, -1.5, 2.5, 0.5, 0.125, 12.75, 99.995, 1e-7, 123456.5, 1234567.0, -1e21, 1e300]
    values += [math.nan, math.inf, -math.inf, 65.0, 8364.0, 4294967297.0, -1.0, 0.1, 1e22]
    out: list[list[Any]] = []
    for form in forms:
        for value in (*chance.sample(values, 5), "text", "täxt ⚠"):
            out.append([form, shown(value), isinstance(value, str), format_value(form, value)])
    return out


def random_form(chance: random.Random) -> str:
    """One that may be."""
    flags = "".join(chance.choices("-+ #0", k=chance.randrange(3)))
    precision = chance.choice(["", "", ".", f".{chance.randrange(12)}"])
    return f"a %{flags}{chance.choice(['', '', '7', '12'])}{precision}{chance.choice('idufFgGeExXocs')} b"


def sessions() -> list[dict[str, Any]]:
    """Session JSON, and what it says."""
    span = {"startTime": MOMENT, "endTime": MOMENT + 1}
    bindings = [{"identifier": "c", "channelOffset": 1000}]
    odd = json.loads(session_json("s"))
    upper = {k.upper(): v for k, v in odd.items()} | {
        "STATE": 12,
        "TimeRange": {"STARTTIME": MOMENT, "endtime": MOMENT + 3},
    }
    texts = [
        session_json("s", timeRange=span, details={"run": 7, "long": 12345678901234567890, "is": True, "list": [1]}),
        session_json('ä\\"1234567890123456789', state="CLOSED", configBindings=bindings),
        session_json("s", state="77", configBindings=[]),
        session_json("s", state="44", timeRange=None, configBindings=None),
        json.dumps(upper),
    ]
    return [session(text) for text in texts]


def session(text: str) -> dict[str, Any]:
    """What Python reads."""
    model = read_session(text)
    span = model.span
    bindings = model.config_bindings
    return {
        "text": text,
        "identity": model.identity,
        "state": model.state.name.lower(),
        "closed": model.state.is_closed,
        "range": None if span is None else [str(span.start), str(span.end)],
        "bindings": None if bindings is None else [[b.identifier, b.channel_offset] for b in bindings],
    }


def configuration() -> dict[str, Any]:
    """The example of docs/protocol.md, bound."""
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    found = re.search(r'```json\n(\{"car": .*?)```', page, re.DOTALL)
    assert found, "the page has its example"
    bound = bind(read_configuration(found[1]), ConfigBinding("example", 1000))
    parameters = [
        {
            "id": b.parameter.id,
            "unit": b.unit,
            "format": b.format,
            "channels": {str(c): kind.value for c, kind in b.channels.items()},
            "bigEndian": b.byte_order == "be",
        }
        for b in bound
    ]
    return {"document": json.loads(found[1]), "channelOffset": 1000, "parameters": parameters}


def encoded(data: bytes) -> str:
    """Bytes in JSON."""
    return b64encode(data).decode()


def vectors() -> dict[str, Any]:
    """All of them."""
    return {
        "base": str(BASE),
        "blocks": blocks(),
        "bursts": bursts(),
        "answers": answers(),
        "conversions": conversions(),
        "formats": formats(),
        "sessions": sessions(),
        "configuration": configuration(),
    }


def main() -> None:
    TARGET.parent.mkdir(exist_ok=True)
    lines = [f"{json.dumps(name)}: {lined(part)}" for name, part in vectors().items()]
    TARGET.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size} bytes\n")


def lined(part: Any) -> str:
    """Each entry of a list on a line of its own."""
    if not isinstance(part, list):
        return json.dumps(part)
    return "[\n" + ",\n".join(json.dumps(one) for one in part) + "\n]"


if __name__ == "__main__":
    main()
