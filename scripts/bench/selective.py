"""Selective subscriptions, 10 of 500 channels: what filtering costs when it is shared and when it cannot be."""

from __future__ import annotations

from pathlib import Path

import attrs

from scripts.bench.flat_out import Form, Job, run_bare, run_service
from scripts.bench.report import Results, Row, spread

__all__ = ["selective"]

_ONE = Job("C", 1, 0, sub="same")
_RELAYOUT = 50  # bursts between changes of the channels' order


def _jobs(clients: int, seconds: float) -> dict[str, Job]:
    return {
        "one": attrs.evolve(_ONE, bursts=int(seconds / 150e-6)),
        "equal": attrs.evolve(_ONE, clients=clients, bursts=int(seconds / (150e-6 + clients * 5e-6))),
        "different": attrs.evolve(_ONE, clients=clients, sub="diff", bursts=int(seconds / (clients * 25e-6))),
        "relayout": attrs.evolve(
            _ONE, clients=clients, sub="diff", relayout=_RELAYOUT, bursts=int(seconds / (clients * 25e-6))
        ),
    }


def selective(results: Results, folder: Path, clients: int, runs: int, seconds: float) -> None:
    """The cases take turns; `sends` are those of the bare loop, with frames as large as the filtered ones."""
    rows: list[Row] = []
    for run in range(runs):
        bare = run_bare(folder, Job("S", clients, int(seconds / (clients * 4e-6))))
        rows.append(results.add("select", who="bare", run=run, **bare))
        found: dict[str, Row] = {}
        for who, job in _jobs(clients, seconds).items():
            found[who] = results.add("select", who=who, run=run, **run_service(folder, Form.FOLLOW, job))
            results.say(
                f"#{run + 1} {who:<10}{found[who]['cpu_us_per_burst']:10,.0f} us CPU a burst; "
                f"missing {found[who]['missing']}"
            )
        due = found["one"]["cpu_us_per_burst"] + (clients - 1) * bare["cpu_us_per_delivered"]
        ratio = found["equal"]["cpu_us_per_burst"] / due
        rows.extend(found.values())
        rows.append(results.add("select", who="ratio", run=run, ratio=ratio))
    _show(results, clients, rows)


def _show(results: Results, clients: int, rows: list[Row]) -> None:
    by = results.group(rows, lambda r: r["who"])
    ratio = spread(r["ratio"] for r in by.pop("ratio"))
    said = {
        "bare": f"bare loop, {clients} clients, frames of the same size",
        "one": "1 client",
        "equal": f"{clients} equal clients",
        "different": f"{clients} all-different clients",
        "relayout": f"the same, the layout changing every {_RELAYOUT} bursts",
    }
    lines = [
        (
            said[who],
            spread((r["cpu_us_per_burst"] for r in group), 0),
            spread(r["cpu_us_per_delivered"] for r in group),
            ratio if who == "equal" else "",
            spread((r["bytes"] / max(1, r["bursts"] * r["clients"]) for r in group), 0),
            str(sum(r["missing"] + r["closed"] + r["undecoded"] for r in group)),
        )
        for who, group in by.items()
    ]
    columns = ("10 of 500 channels", "CPU us/burst", "per client", "to one + sends", "bytes", "faults")
    results.table("select: CPU of the sender", columns, lines)
