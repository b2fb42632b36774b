"""Apache Arrow's stream format and Parquet, through pyarrow, which need not be installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rta.export.byte_sink import ByteSink
from rta.export.columns import TIME, ExportColumn
from rta.export.table import SampleTable
from rta.formatting import replace_surrogates

__all__ = ["ArrowStream", "ParquetFile"]

_END = b"\xff\xff\xff\xff\0\0\0\0"  # of a stream


class ArrowStream:
    """Writes each batch as a record batch."""

    cells = 1 << 20
    resumable = True

    def __init__(self, columns: Sequence[ExportColumn], about: Mapping[str, str]) -> None:
        """`about`: what is said of the whole table."""
        self._schema = _schema(columns, about)

    # Not pyarrow's own writer of streams: it has a state, and each message of a stream stands by itself.

    def begin(self) -> bytes:
        return bytes(self._schema.serialize())

    def write(self, table: SampleTable) -> bytes:
        return bytes(_batch(self._schema, table).serialize())

    def end(self) -> bytes:
        return _END


class ParquetFile:
    """Writes each batch as a row group. The file is none before its end, so it cannot be taken up again."""

    cells = 1 << 22
    resumable = False

    def __init__(self, columns: Sequence[ExportColumn], about: Mapping[str, str]) -> None:
        """`about`: what is said of the whole table."""
        self._schema = _schema(columns, about)
        self._sink = ByteSink()
        self._writer: Any = None

    def begin(self) -> bytes:
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        return self._sink.drain()

    def write(self, table: SampleTable) -> bytes:
        batch = _batch(self._schema, table)
        self._writer.write_batch(batch, row_group_size=max(1, len(table)))
        return self._sink.drain()

    def end(self) -> bytes:
        self._writer.close()
        return self._sink.drain()


def _schema(columns: Sequence[ExportColumn], about: Mapping[str, str]) -> Any:
    fields = [pa.field(TIME, pa.timestamp("ns", tz="UTC"), nullable=False)]
    for column in columns:
        said = {"unit": column.unit, "id": column.identifier, "description": column.description}
        kind = pa.string() if column.is_text else pa.float64()
        fields.append(pa.field(_plain(column.name), kind, metadata={k: _plain(v) for k, v in said.items() if v}))
    return pa.schema(fields, metadata={k: _plain(v) for k, v in about.items()})


def _batch(schema: Any, table: SampleTable) -> Any:
    arrays = [pa.array(table.times, pa.timestamp("ns", tz="UTC"))]
    for column, values, present in zip(list(schema)[1:], table.values, table.present, strict=True):
        absent = None if present is None or present.all() else ~present
        if values.dtype == object:
            texts = [None if v is None else _plain(str(v)) for v in values.tolist()]
            arrays.append(pa.array(texts, column.type))
        else:
            arrays.append(pa.array(values, column.type, mask=absent, from_pandas=False))
    return pa.record_batch(arrays, schema=schema)


def _plain(text: str) -> str:
    return replace_surrogates(text)
