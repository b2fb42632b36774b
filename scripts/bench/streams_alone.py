"""The topic bus over MQTT alone, with payloads that are ready, against paho's own threaded loop: as fast as they go."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.bench.mosquitto import Mosquitto
from scripts.bench.processes import Child
from scripts.bench.report import Results, Row, spread

__all__ = ["streams_alone"]

_OURS, _PAHO = "rta", "paho"
SIZE = 100  # bytes of a payload


def streams_alone(
    results: Results,
    folder: Path,
    qualities: Sequence[int],
    in_flight: int,
    of_paho: int,
    runs: int,
    seconds: float,
) -> None:
    """The two take turns at one mosquitto, every other run in the opposite order. `in_flight`, `of_paho`: how many
    messages each may have on their way."""
    rows: list[Row] = []
    windows = {_OURS: in_flight, _PAHO: of_paho}
    with Mosquitto(folder, max(windows.values())) as broker:
        for run in range(runs):
            for qos in qualities:
                pair = {}
                for who in (_OURS, _PAHO) if run % 2 == 0 else (_PAHO, _OURS):
                    pair[who] = _once(folder, broker, who, qos, windows[who], seconds)
                pair[_OURS]["ratio"] = pair[_OURS]["messages_s"] / pair[_PAHO]["messages_s"]
                rows += [results.add("streams-qos1", run=run, qos=qos, **found) for found in pair.values()]
                said = ", ".join(f"{who} {found['messages_s']:,.0f}" for who, found in pair.items())
                results.say(f"#{run + 1} QoS {qos} messages/s: {said}; ratio {pair[_OURS]['ratio']:.2f}")
    _show(results, rows)


def _once(folder: Path, broker: Mosquitto, who: str, qos: int, in_flight: int, seconds: float) -> dict[str, Any]:
    arguments = [who, broker.port, qos, in_flight, SIZE, seconds]
    argv = [sys.executable, "-m", "scripts.bench.streams_publish", *map(str, arguments)]
    before = broker.child.cpu()
    with Child(argv, folder / "publish.log") as child:
        found: dict[str, Any] = json.loads(child.line())
    share = (broker.child.cpu() - before) / found["seconds"]
    return {
        "who": who,
        "in_flight": in_flight,
        **found,
        "messages_s": found["messages"] / found["seconds"],
        "cpu_us": found["cpu"] / found["messages"] * 1e6,
        "mosquitto_share": share,
    }


def _show(results: Results, rows: list[Row]) -> None:
    lines = [
        (
            f"QoS {qos} {who}, {group[0]['in_flight']} on their way",
            spread((r["messages_s"] for r in group), 0),
            spread(r["ratio"] for r in group) if who == _OURS else "1",
            spread((r["cpu_us"] for r in group), 1),
            spread(r["mosquitto_share"] for r in group),
            str(sum(r["refused"] for r in group)),
        )
        for (qos, who), group in results.group(rows, lambda r: (r["qos"], r["who"])).items()
    ]
    columns = ("", "messages/s", "ratio", "CPU us/message", "mosquitto CPU", "refused")
    title = f"streams-qos1: payloads of {SIZE} bytes to mosquitto; paho by loop_start"
    results.table(title, columns, lines)
