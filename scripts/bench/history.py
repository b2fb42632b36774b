"""The history on disk: what an append costs, however much there is; and reading and packing a day of entries.

Appends come as a node's recorder has them: all of 20 ms at 10 000 a second in one commit. A day is read beside the
plainest way to do the same: one SELECT, and the encoder on the structure.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from pathlib import Path

import cbor2

from rta.history.packing import pack
from rta.history.store import HistoryStore, Key, NewEntry
from rta.rsmp.payload import iso
from rta.wire.values import Ns
from scripts.bench.report import Results, Row, spread

__all__ = ["history_appends", "history_fetch"]

_BATCH = 200
_DAY = 86_400
_SECOND = 1_000_000_000
_START = 1_795_000_000 * _SECOND
_PAGE = 500


def _entries(keys: list[Key], first: int, count: int) -> list[NewEntry]:
    streams = len(keys)
    return [
        (
            keys[pos % streams],
            pos,
            Ns(_START + pos // streams * _SECOND),
            pos // streams,
            cbor2.dumps({"vehicles": pos % 50, "speed": 80.5 + pos % 7, "occupancy": 0.12}),
        )
        for pos in range(first, first + count)
    ]


def _appended(store: HistoryStore, keys: list[Key], upto: int) -> list[float]:
    """Append until there are so many; seconds of each commit."""
    took = []
    while store.last < upto:
        batch = _entries(keys, store.last + 1, min(_BATCH, upto - store.last))
        began = time.perf_counter()
        store.commit(batch, b"mark")
        took.append(time.perf_counter() - began)
    return took


def history_appends(results: Results, folder: Path, streams: list[int], sizes: list[int], runs: int) -> None:
    """Commits behind so many entries that are on the disk already."""
    rows: list[Row] = []
    for run in range(runs):
        for number in streams:
            path = folder / f"appends-{run}-{number}.sqlite"
            keys = [("bench", str(n)) for n in range(number)]
            store = HistoryStore(path)
            for size in sizes:
                _appended(store, keys, size)
                took = _appended(store, keys, size + 20_000)
                rows.append(
                    results.add(
                        "history-appends",
                        run=run,
                        streams=number,
                        entries=size,
                        us=sum(took) / 20_000 * 1e6,
                        median=statistics.median(took) * 1e3,
                        p99=statistics.quantiles(took, n=100)[-1] * 1e3,
                        most=max(took) * 1e3,
                    )
                )
            store.close()
            began_opening = time.perf_counter()
            HistoryStore(path).close()
            results.say(
                f"run {run + 1}, {number} streams: {os.path.getsize(path) >> 20} MiB, "
                f"opened in {time.perf_counter() - began_opening:.2f} s"
            )
            path.unlink()
    lines = [
        (
            f"{number} streams, {size:,} entries",
            spread((1e6 / r["us"] for r in found), 0),
            spread(r["us"] for r in found),
            spread(r["median"] for r in found),
            spread(r["p99"] for r in found),
            spread((r["most"] for r in found), 1),
        )
        for (number, size), found in results.group(rows, lambda r: (r["streams"], r["entries"])).items()
    ]
    title = f"history-appends: commits of {_BATCH}, 20 000 entries each time"
    results.table(title, ("on the disk", "entries/s", "us/entry", "commit ms", "p99", "most"), lines)


def _plain(path: Path, stream: int) -> float:
    """Seconds for a SELECT over the stream, and the encoder on messages of as many entries as ours have."""
    began = time.perf_counter()
    db = sqlite3.connect(path)
    rows = db.execute("SELECT ts, seq, data FROM entries WHERE stream = ? ORDER BY pos", (stream,)).fetchall()
    for first in range(0, len(rows), _PAGE):
        page = rows[first : first + _PAGE + 1]
        following = [row[0] for row in page[1:]] + [None]
        items = [
            {"ts": iso(ts), "next_ts": next_ts and iso(next_ts), "values": cbor2.loads(data), "seq": seq}
            for (ts, seq, data), next_ts in zip(page, following, strict=True)
        ][:_PAGE]
        cbor2.dumps({"entries": items, "complete": False})
    db.close()
    return time.perf_counter() - began


def _ours(store: HistoryStore, key: Key) -> float:
    began = time.perf_counter()
    after = count = 0
    while page := store.read(key, after=after, limit=_PAGE):
        done = 0
        while done < len(page):
            done += pack(page[done:], {"complete": False})[1]
        after = page[-1].pos
        count += done
    assert count == _DAY, count
    return time.perf_counter() - began


def history_fetch(results: Results, folder: Path, streams: list[int], runs: int) -> None:
    """A day of 1-second entries, ours and the plain way in turns; with many streams, its entries lie scattered."""
    rows: list[Row] = []
    for number in streams:
        path = folder / f"fetch-{number}.sqlite"
        keys = [("bench", str(n)) for n in range(number)]
        store = HistoryStore(path)
        pos = 1
        while pos <= _DAY * number:
            batch = _entries(keys, pos, min(5000, _DAY * number + 1 - pos))
            store.commit(batch)
            pos += len(batch)
        for run in range(runs):
            ours, plain = _ours(store, keys[0]), _plain(path, _number(path, keys[0]))
            rows.append(results.add("history-fetch", run=run, streams=number, ours=ours, plain=plain))
        store.close()
        path.unlink()
    lines = [
        (
            f"{number} streams",
            spread((r["ours"] * 1e3 for r in found), 0),
            spread((r["plain"] * 1e3 for r in found), 0),
            spread(r["plain"] / r["ours"] for r in found),
        )
        for number, found in results.group(rows, lambda r: r["streams"]).items()
    ]
    columns = ("in the file", "ours ms", "plain ms", "our rate over plain")
    results.table(f"history-fetch: {_DAY:,} entries of one stream, read and packed", columns, lines)


def _number(path: Path, key: Key) -> int:
    with sqlite3.connect(path) as db:
        found: int = db.execute("SELECT id FROM streams WHERE code = ? AND name = ?", key).fetchone()[0]
    db.close()
    return found
