"""How quickly a recorded session is read over REST, beside a bare loop and beside reading its file by hand."""

from __future__ import annotations

import random
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from scripts.bench.archive_session import BEGIN, packed_size, write_session
from scripts.bench.processes import BenchError, Child, free_port, wait_until
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import Running, serving

__all__ = ["archive_reading"]

_IDENTITY = "bench"
_DATA = f"/rta/v2/sessions/{_IDENTITY}/data/timestamped"
_RANGES = 40


def _ask(port: int, path: str) -> tuple[float, float, int]:
    """Seconds to the first byte of the body, and to the last, and how many bytes there are."""
    buffer = bytearray(1 << 20)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(request.encode())
        head = b""
        while b"\r\n\r\n" not in head or head.endswith(b"\r\n\r\n"):
            piece = connection.recv(4096)
            if not piece:
                break
            head += piece
        if b" 200" not in head[:15]:
            raise BenchError(f"{path}: {head[:200]!r}")
        first, size = time.perf_counter() - began, len(head)
        while count := connection.recv_into(buffer):
            size += count
    return first, time.perf_counter() - began, size


def _adopted(service: Running) -> bool:
    try:
        urlopen(f"http://127.0.0.1:{service.port}/rta/v2/sessions/{_IDENTITY}", timeout=10).close()
    except (HTTPError, OSError):
        return False
    return True


def _by_hand(path: Path, channel: int) -> tuple[float, int]:
    """Seconds to read the packed chunks of a channel, and their bytes."""
    began = time.perf_counter()
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    size = 0
    pieces: dict[int, bytes] = {}
    rows = db.execute("SELECT piece, place, size FROM chunks WHERE kind = 0 AND channel = ? ORDER BY start", (channel,))
    for piece, place, length in rows.fetchall():
        if piece not in pieces:
            pieces[piece] = db.execute("SELECT data FROM pieces WHERE id = ?", (piece,)).fetchone()[0]
        size += len(pieces[piece][place : place + length])
    db.close()
    return time.perf_counter() - began, size


def archive_reading(results: Results, folder: Path, channels: int, seconds: int, runs: int) -> None:
    """One session; the service and the yardsticks take turns."""
    archive = folder / "archive"
    took, packed = write_session(archive, _IDENTITY, channels, seconds)
    samples = channels * seconds * 100
    results.say(f"{samples:,} samples written in {took:.1f} s: {samples / took / 1e6:.1f} million/s")
    with (
        RedisServer(folder) as redis,
        serving(folder, redis=redis.url, more=f'[archive]\npath = "{archive}"\n') as ours,
    ):
        wait_until(lambda: _adopted(ours), ours.child, 60, "session in the archive")
        [file] = list((archive / "sessions").rglob("*.sqlite"))
        results.say(
            f"on disk {packed_size(file.parent) / packed:.3f} of the {packed / (1 << 20):.0f} MiB of packed chunks"
        )
        rows = [_run(folder, ours, file, channels, seconds, run) for run in range(runs)]
        memory = ours.child.rss_of_all()
    for run, row in enumerate(rows):
        results.add("archive-reading", run=run, channels=channels, seconds=seconds, **row)
    _show(results, channels, seconds, rows, memory)


def _run(folder: Path, ours: Running, file: Path, channels: int, seconds: int, run: int) -> Row:
    rng = random.Random(run)
    row: dict[str, Any] = {}
    _, row["whole"], row["bytes"] = _ask(ours.port, f"{_DATA}/-")
    row["bare"] = _bare(folder, ours, row["bytes"])
    channel = rng.randrange(1, channels + 1)
    _, row["one"], _ = _ask(ours.port, f"{_DATA}/{channel:X}")
    row["hand"], _ = _by_hand(file, channel)
    firsts = []
    for _ in range(_RANGES):
        start = BEGIN + rng.randrange(max(1, seconds - 10)) * 10**9
        wanted = "-" if rng.random() < 0.5 else f"{rng.randrange(1, channels + 1):X}"
        firsts.append(_ask(ours.port, f"{_DATA}/{wanted}?start={start}&end={start + 10**10}")[0])
    row["first"], row["latest"] = sorted(firsts)[len(firsts) // 2], max(firsts)
    return row


def _bare(folder: Path, ours: Running, size: int) -> float:
    """Seconds in which a bare loop sends as many bytes from a file."""
    path, port = folder / "bytes", free_port()
    if not path.exists():
        with path.open("wb") as file:
            random_bytes = random.Random(0).randbytes(1 << 20)
            for _ in range(-(-size // len(random_bytes))):
                file.write(random_bytes)
            file.truncate(size)
    with Child([sys.executable, "-m", "scripts.bench.archive_bare", str(port), str(path)], folder / "bare.log") as bare:
        bare.line()
        _ask(port, "/")  # what is read from the disk once is in memory, as it is for the service
        return _ask(port, "/")[1]


def _show(results: Results, channels: int, seconds: int, rows: list[Row], memory: float) -> None:
    mib = 1 << 20
    lines = [
        ("whole session, MiB/s", spread((r["bytes"] / mib / r["whole"] for r in rows), 0)),
        ("bare loop, MiB/s", spread((r["bytes"] / mib / r["bare"] for r in rows), 0)),
        ("whole session to bare loop", spread(r["bare"] / r["whole"] for r in rows)),
        ("one channel, ms", spread((r["one"] * 1e3 for r in rows), 1)),
        ("one channel by hand, ms", spread((r["hand"] * 1e3 for r in rows), 1)),
        ("one channel to by hand", spread(r["one"] / r["hand"] for r in rows)),
        ("first byte of a range of 10 s, ms", spread((r["first"] * 1e3 for r in rows), 1)),
        (f"latest of {_RANGES}, ms", spread((r["latest"] * 1e3 for r in rows), 1)),
        ("memory of the service's processes, MiB", f"{memory:.0f}"),
    ]
    results.table(f"archive-reading: {channels} channels of 100 Hz, {seconds} s", ("", ""), lines)
