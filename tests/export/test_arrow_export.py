"""Exports as Arrow and Parquet, read by pyarrow."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from exported_files import table_of

from rta.export import FORMATS, ArchivedData, ExportRequest, open_export

from .recorded import SECOND, T0
from .test_csv_export import long_drive, some_drive


async def exported(archive, form: str, after=None, aim: int = 1 << 20, **request):
    export = await open_export(ArchivedData(archive), ExportRequest("drive", FORMATS[form], **request), aim=aim)
    return [piece async for piece in export.pieces(after)]


@pytest.mark.parametrize("form", ["arrow", "parquet"])
async def test_every_sample_is_there_with_its_type_and_unit(form):
    table = table_of(form, b"".join(p.data for p in await exported(await some_drive(), form)))
    assert table.column_names == ["time", "Speed", "Gear", "Brake light", "Oil, hot"]
    assert table.schema.field("time").type == pa.timestamp("ns", tz="UTC")
    times = table["time"].cast(pa.int64()).to_pylist()
    assert times == [T0, T0 + 1, T0 + SECOND // 2, T0 + SECOND, T0 + SECOND + 123]
    assert table.schema.field("Speed").metadata == {
        b"unit": b"km/h",
        b"id": b"Speed:car",
        b"description": b"Speed over ground",
    }
    assert table.schema.metadata[b"session"] == b"drive"
    assert table["Gear"].to_pylist() == ['first, "low"', None, None, "?", None]
    assert table["Oil, hot"].to_pylist() == [60, None, 60.5, 61, None]
    speed = table["Speed"].to_pylist()
    assert speed[:4] == [0.1, 3.0, None, None]
    assert np.isnan(speed[4])


@pytest.mark.parametrize("form", ["arrow", "parquet"])
async def test_events_are_a_table_too(form):
    table = table_of(form, b"".join(p.data for p in await exported(await some_drive(), form, events=True)))
    assert table.num_rows == 0
    assert table.column_names[:3] == ["time", "application", "code"]


async def test_an_arrow_stream_goes_on_behind_any_batch(monkeypatch):
    monkeypatch.setattr("rta.export.arrow_tables.ArrowStream.cells", 1000)
    archive = await long_drive(np.random.default_rng(3))
    pieces = await exported(archive, "arrow")
    whole = b"".join(p.data for p in pieces)
    assert len(pieces) > 5
    for i, piece in enumerate(pieces):
        if piece.place is not None:
            rest = await exported(archive, "arrow", piece.place, aim=200)
            assert b"".join(p.data for p in pieces[: i + 1]) + b"".join(p.data for p in rest) == whole


async def test_a_parquet_file_does_not(monkeypatch):
    archive = await long_drive(np.random.default_rng(3))
    assert [p.place for p in await exported(archive, "parquet") if p.place is not None] == []
