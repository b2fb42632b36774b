"""Fan-out of one session to clients that want everything: bursts per second, and CPU, as ratios to the bare loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.bench.flat_out import Form, Job, run_bare, run_service
from scripts.bench.report import Results, Row, spread
from scripts.bench.shapes import Maker

__all__ = ["compare"]

_SEND = {"A": 4e-6, "B": 25e-6, "C": 6e-6}  # guesses, to give a run its length
_MERGED = {"A": 0.5e-6, "B": 25e-6, "C": 6e-6}
_MEMORY = 160 << 20
_MOST = 100_000


def _job(shape: str, clients: int, seconds: float, form: Form | None) -> Job:
    """So many bursts that a run takes about so long, as far as memory allows."""
    merged = form in (Form.BACK_FILL, Form.FLOOD)
    each = clients * (_MERGED if merged else _SEND)[shape] + (100e-6 if form is Form.INGEST else 5e-6)
    return Job(shape, clients, max(50, int(min(seconds / each, _MEMORY / Maker(shape).size, _MOST))))


def compare(
    results: Results,
    folder: Path,
    command: str,
    forms: Sequence[Form],
    shapes: Sequence[str],
    clients: Sequence[int],
    runs: int,
    seconds: float,
) -> None:
    """The forms and the bare loop take turns."""
    rows: list[Row] = []
    for run in range(runs):
        for shape in shapes:
            for n in clients:
                bare = run_bare(folder, _job(shape, n, seconds, None))
                rows.append(results.add(command, who="bare", run=run, **bare))
                for form in forms:
                    found = run_service(folder, form, _job(shape, n, seconds, form))
                    found["ratio"] = found["bursts_s"] / bare["bursts_s"]
                    found["cpu_ratio"] = found["cpu_us_per_delivered"] / bare["cpu_us_per_delivered"]
                    rows.append(results.add(command, who=str(form), run=run, **found))
                    said = f"{found['bursts_s']:,.0f} bursts/s, {found['ratio']:.2f} of the bare loop"
                    results.say(f"#{run + 1} {shape} x {n} {form}: {said}, CPU {found['cpu_ratio']:.2f}")
    _show(results, command, rows)


def _show(results: Results, command: str, rows: list[Row]) -> None:
    lines = []
    for (shape, n, who), group in results.group(rows, lambda r: (r["shape"], r["clients"], r["who"])).items():
        service = who != "bare"
        lines.append(
            (
                f"{shape} x {n} {who}",
                spread((r["bursts_s"] for r in group), 0),
                spread(r["ratio"] for r in group) if service else "1",
                spread(r["cpu_us_per_delivered"] for r in group),
                spread(r["cpu_ratio"] for r in group) if service else "1",
                spread((r["bursts_per_frame"] for r in group), 1),
                spread(r["sink_share"] for r in group),
                spread((r["rss_peak"] - r["rss_before"] for r in group), 1) if service else "",
                str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
            )
        )
    columns = ("", "bursts/s", "ratio", "CPU us/burst", "CPU ratio", "bursts/frame", "sink CPU", "RSS +MiB", "faults")
    results.table(f"{command}: delivered bursts, against the bare loop of the same run", columns, lines)
