"""What an edge without clients costs, beside a Redis with much in it and beside an empty one."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scripts.bench.redis_server import Conversation, RedisServer, burst_command, session_commands
from scripts.bench.report import Results, Row, spread
from scripts.bench.service import Running, serving
from scripts.bench.shapes import Maker

__all__ = ["redis_idle"]

_ENTRIES = 20  # of each stream
_START = 2.0  # seconds

_PRUNERS: dict[str, dict[str, Any]] = {"without a pruner": {"enabled": False}, "with the pruner's defaults": {}}


def _fill(conversation: Conversation, sessions: int, streams: int) -> None:
    bursts = [Maker("A").burst(i).packed for i in range(_ENTRIES)]
    for k in range(sessions):
        state = "open" if k % 10 == 0 else "closed"
        conversation.fill(session_commands(f"idle-{k}", k + 1, f"idle-{k % streams}", state))
    for k in range(streams):
        conversation.fill(burst_command(f"stream:idle-{k}", k + 1, packed) for packed in bursts)


def redis_idle(results: Results, folder: Path, sessions: int, streams: int, seconds: float, runs: int) -> None:
    """All four edges run at the same time, each with a Redis of its own."""
    rows: list[Row] = []
    for run in range(runs):
        for row in _once(folder, sessions, streams, seconds):
            rows.append(results.add("redis-idle", run=run, seconds=seconds, **row))
    lines = []
    for pruner, group in results.group(rows, lambda r: r["pruner"]).items():
        full, empty = ([r for r in group if r["full"] is kind] for kind in (True, False))
        lines.append(
            (
                pruner,
                spread((r["percent"] for r in full), 3),
                spread((r["percent"] for r in empty), 3),
                spread((a["percent"] - b["percent"] for a, b in zip(full, empty, strict=True)), 3),
                spread((r["redis_percent"] for r in full), 3),
                spread((r["redis_percent"] for r in empty), 3),
            )
        )
    title = f"redis-idle: % of a core over {seconds:g} s, {sessions:,} sessions and {streams:,} streams, no clients"
    columns = ("", "edge", "edge, empty Redis", "more", "redis-server", "empty redis-server")
    results.table(title, columns, lines)


def _once(folder: Path, sessions: int, streams: int, seconds: float) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        found: list[tuple[str, bool, RedisServer, Running]] = []
        for pruner, options in _PRUNERS.items():
            for full in (True, False):
                redis = stack.enter_context(RedisServer(folder))
                if full:
                    _fill(redis.conversation, sessions, streams)
                own = folder / f"idle-{len(found)}"
                own.mkdir(exist_ok=True)
                found.append((pruner, full, redis, stack.enter_context(serving(own, redis=redis.url, pruner=options))))
        time.sleep(_START)
        before = [(redis.child.cpu(), edge.child.cpu()) for _, _, redis, edge in found]
        time.sleep(seconds)
        return [
            {
                "pruner": pruner,
                "full": full,
                "percent": (edge.child.cpu() - edge_cpu) / seconds * 100,
                "redis_percent": (redis.child.cpu() - redis_cpu) / seconds * 100,
            }
            for (pruner, full, redis, edge), (redis_cpu, edge_cpu) in zip(found, before, strict=True)
        ]
