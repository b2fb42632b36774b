"""A recorded session that the benchmark writes: so many channels of 100 Hz for so long, a week ago."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from rta_transports.sqlite.session_writer import SessionFileWriter

from rta.archive import ChannelTypes, chunks_of_columns
from rta.wire import SampleType

__all__ = ["BEGIN", "RATE", "packed_size", "write_session"]

BEGIN = 1_795_000_000 * 10**9
RATE = 100  # Hz
_STRETCH = 3600 * RATE  # samples at once


def write_session(folder: Path, identity: str, channels: int, seconds: int) -> tuple[float, int]:
    """Into the archive of this folder; seconds that it took, and bytes of the packed chunks.

    The samples are those of a sensor: a slow signal, noise, and a resolution.
    """
    began, packed = time.perf_counter(), 0
    rng = np.random.default_rng(channels)
    count = seconds * RATE
    times = BEGIN + np.arange(count, dtype=np.int64) * (10**9 // RATE)
    slow = 50 * np.sin(np.arange(count) / (60 * RATE))
    types: ChannelTypes = dict.fromkeys(range(1, channels + 1), (SampleType.F64, "le"))
    with SessionFileWriter(folder, identity, types) as writer:
        for channel in range(1, channels + 1):
            for first in range(0, count, _STRETCH):
                part = slice(first, first + _STRETCH)
                noise = rng.normal(0, 1, len(times[part]))
                chunks = chunks_of_columns(channel, times[part], np.round(slow[part] + noise, 2))
                packed += sum(len(chunk.packed) for chunk in chunks)
                writer.add(chunks)
        document = {
            "identity": identity,
            "state": "closed",
            "timestamp": "2026-11-18T10:40:00Z",
            "identifier": identity,
        }
        writer.finish(json.dumps(document))
    return time.perf_counter() - began, packed


def packed_size(path: Path) -> int:
    """Bytes of a folder's files."""
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
