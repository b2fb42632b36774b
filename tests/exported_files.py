"""Reads exported files as other programs do, with nothing but what is in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from mcap.reader import make_reader

__all__ = ["messages_of", "samples_of", "table_of"]

Samples = list[tuple[int, float]]
"""Times in ns since the Unix epoch, and values."""


def table_of(form: str, data: bytes) -> pa.Table:
    """An `arrow` or a `parquet` file."""
    if form == "arrow":
        with pa.ipc.open_stream(io.BytesIO(data)) as reader:
            return reader.read_all()
    return pq.read_table(io.BytesIO(data))


def messages_of(data: bytes) -> Iterator[tuple[str, int, Any]]:
    """Of an MCAP file: topic, time and decoded message, as a program that knows protobuf reads them."""
    types = {}
    for schema, channel, message in make_reader(io.BytesIO(data), validate_crcs=True).iter_messages():
        assert schema is not None
        assert schema.encoding == channel.message_encoding == "protobuf"
        if schema.id not in types:
            pool = descriptor_pool.DescriptorPool()
            for file in descriptor_pb2.FileDescriptorSet.FromString(schema.data).file:
                pool.Add(file)
            types[schema.id] = message_factory.GetMessageClass(pool.FindMessageTypeByName(schema.name))
        yield channel.topic, message.log_time, types[schema.id].FromString(message.data)


def samples_of(form: str, data: bytes) -> dict[str, Samples]:
    """The samples of each parameter of a file in any format, by its name."""
    if form == "mcap":
        found: dict[str, Samples] = {}
        for topic, time, message in messages_of(data):
            found.setdefault(topic.removeprefix("/"), []).append((time, message.value))
        return found
    if form == "csv":
        names, *rows = csv.reader(io.StringIO(data.decode()))
        times = [_time(row[0]) for row in rows]
        columns = {name.split(" (")[0]: [row[at] for row in rows] for at, name in enumerate(names)}
        return {name: _with_times(times, columns[name]) for name in list(columns)[1:]}
    table = table_of(form, data)
    times = table["time"].cast(pa.int64()).to_pylist()
    return {name: _with_times(times, table[name].to_pylist()) for name in table.column_names[1:]}


def _with_times(times: list[int], cells: Iterable[str | float | None]) -> Samples:
    return [(time, float(cell)) for time, cell in zip(times, cells, strict=True) if cell is not None and cell != ""]


def _time(text: str) -> int:
    whole, part = text.removesuffix("Z").split(".")
    return int(datetime.fromisoformat(whole + "+00:00").timestamp()) * 1_000_000_000 + int(part)
