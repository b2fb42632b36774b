"""How quickly an archive of very many sessions is opened, listed, searched and described over REST."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from rta_transports.sqlite.store import ArchiveStore

from scripts.bench.archive_many import DRIVERS, lay_down
from scripts.bench.processes import BenchError, wait_until
from scripts.bench.redis_server import RedisServer
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import Running, serving

__all__ = ["archive_sessions"]

_API = "/rta/v2"
_OPENINGS = 3
_DETAIL = "a page of a query on a detail"
_GOAL = 200  # ms


def archive_sessions(results: Results, folder: Path, count: int, runs: int) -> None:
    """`count` recorded sessions, and none that is live."""
    archive = folder / "archive"
    results.say(f"{count:,} sessions laid down in {lay_down(archive, count):.0f} s")
    opened = [_open(archive) for _ in range(_OPENINGS)]
    with (
        RedisServer(folder) as redis,
        serving(folder, redis=redis.url, more=f'[archive]\npath = "{archive}"\n') as ours,
    ):
        wait_until(lambda: _listed(ours, "?pageSize=1") == 1, ours.child, 60, "first list")
        rows = [_run(ours, count, run) for run in range(runs)]
        memory = ours.child.rss_of_all()
    for run, row in enumerate(rows):
        results.add("archive-sessions", run=run, sessions=count, opened=opened, **row)
    lines = [("opening the archive", spread((s * 1e3 for s in opened), 0))]
    lines += [(name, spread((row[name] * 1e3 for row in rows), 0)) for name in rows[0]]
    lines.append(("memory of the service's processes, MiB", f"{memory:.0f}"))
    results.table(f"archive-sessions: {count:,} sessions; ms, of which each is to be under {_GOAL}", ("", ""), lines)


def _open(archive: Path) -> float:
    """Seconds."""
    began = time.perf_counter()
    store = ArchiveStore(archive)
    took = time.perf_counter() - began
    store.close()
    return took


def _run(ours: Running, count: int, run: int) -> Row:
    """Seconds for each call, which differs from run to run as far as it can."""
    driver = DRIVERS[run % len(DRIVERS)]
    query = urlencode({"query": json.dumps({"details.driver": driver})}).encode()
    part = urlencode({"query": json.dumps({"identifier": {"$contains": f"{run % 10}7"}}), "pageSize": 100}).encode()
    folder = urlencode({"folder": f"season {run % 10}"})
    calls: list[tuple[str, str, bytes | None, int]] = [
        ("the default page", f"{_API}/sessions", None, min(count, 1000)),
        (_DETAIL, f"{_API}/sessions", query, min(count // len(DRIVERS), 1000)),
        ("the metamodel", f"{_API}/session-metamodel", None, 0),
        ("the last page", f"{_API}/sessions?pageIndex={(count - 1) // 1000}", None, 1),
        ("100 by another property", f"{_API}/sessions?sort=details.track&pageSize=100", None, min(count, 100)),
        ("100 with a part of a text", f"{_API}/sessions", part, 1),
        ("the metamodel of a folder", f"{_API}/session-metamodel?{folder}", None, 0),
    ]
    row: Row = {}
    for name, path, form, least in calls:
        began = time.perf_counter()
        answer = _ask(ours, path, form)
        row[name] = time.perf_counter() - began
        found = len(json.loads(answer).get("sessions", ()))
        if found < least:
            raise BenchError(f"{name}: {found} sessions, expected {least}")
    return row


def _listed(ours: Running, query: str) -> int:
    return len(json.loads(_ask(ours, f"{_API}/sessions{query}"))["sessions"])


def _ask(ours: Running, path: str, form: bytes | None = None) -> bytes:
    with urlopen(Request(f"http://127.0.0.1:{ours.port}{path}", form), timeout=60) as answer:
        if answer.headers["RTA-Incomplete"] is not None:
            raise BenchError(f"{path}: recorded sessions are missing")
        return bytes(answer.read())
