"""The table: one row for each stretch of the attack."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from scripts.attacks.stage.attack import Stage
from scripts.bench.report import Results

__all__ = ["show"]

_SHORTEST = 50_000_000  # ns
_COLUMNS = (
    "",
    "s",
    "bursts",
    "p50 ms",
    "p99 ms",
    "worst ms",
    "/health 200",
    "its worst ms",
    "CPU",
    "RSS MiB",
    "peak",
    "end",
)


def show(results: Results, name: str, stage: Stage, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Show it. `found` is what the honest client has seen, and the samples of memory; returns the rows."""
    starts = [began for _, began in stage.stretches]
    ends = [*starts[1:], found["memory"][-1][0]]
    stretches = zip(stage.stretches, ends, strict=True)
    rows = [_row(name, began, end, found) for (name, began), end in stretches if end - began > _SHORTEST]
    sizes = stage.sizes
    title = f"{name}: {sizes.count} for {sizes.seconds:g} s; lag from XADD to an honest client, {sizes.rate:g} bursts/s"
    results.table(title, _COLUMNS, [_cells(row) for row in rows])
    results.say(f"bursts lost: {found['sent'] - len(found['bursts'])} of {found['sent']}")
    if found["endings"]:
        results.say(f"the honest client was cut off {len(found['endings'])} times: {found['endings'][0][1]}")
    for line in stage.said:
        results.say(line)
    return rows


def _between(items: list[Any], began: int, end: int) -> list[Any]:
    return items[bisect_left(items, began, key=_first) : bisect_left(items, end, key=_first)]


def _first(item: Any) -> Any:
    return item[0]


def _row(name: str, began: int, end: int, found: dict[str, Any]) -> dict[str, Any]:
    """Figures of what was sent, asked and sampled within a stretch."""
    lags = sorted(lag for _, lag in _between(found["bursts"], began, end))
    health = _between(found["health"], began, end)
    memory = _between(found["memory"], began, end) or [found["memory"][-1]]
    seconds = (end - began) / 1e9
    sizes = [size for _, size, _ in memory]
    return {
        "stretch": name,
        "seconds": seconds,
        "bursts": len(lags),
        "p50": lags[len(lags) // 2] if lags else None,
        "p99": lags[int(len(lags) * 0.99)] if lags else None,
        "worst": lags[-1] if lags else None,
        "health": f"{sum(status == 200 for _, _, status in health)}/{len(health)}",
        "health_worst": max((s * 1000 for _, s, _ in health), default=None),
        "cpu": (memory[-1][2] - memory[0][2]) / max(seconds, 1e-9),
        "rss": sizes[0],
        "rss_peak": max(sizes),
        "rss_end": sizes[-1],
    }


def _cells(row: dict[str, Any]) -> list[str]:
    return ["-" if v is None else f"{v:.1f}" if isinstance(v, float) else str(v) for v in row.values()]
