"""What is printed while a soak goes on, and at its end."""

from __future__ import annotations

from collections.abc import Iterable

import click

from scripts.soaking.attended import Attended
from scripts.soaking.rta_half import RtaHalf
from scripts.soaking.streams_half import StreamsHalf

__all__ = ["growth_of", "heading", "line", "summary", "verdict"]

_GROUPS = (
    ("", 8),
    ("sessions", 44),
    ("streams", 54),
    ("edge", 9),
    ("node", 9),
    ("redis", 9),
    ("broker", 9),
    ("", 7),
)
_COLUMNS = (
    ("time", 8),
    ("written", 10),
    ("received", 10),
    ("late", 7),
    ("again", 9),
    ("doubled", 8),
    ("publ.", 9),
    ("acked", 9),
    ("open", 7),
    ("replayed", 9),
    ("again", 8),
    ("heard", 12),
    ("MiB", 5),
    ("fd", 4),
    ("MiB", 5),
    ("fd", 4),
    ("MiB", 5),
    ("fd", 4),
    ("MiB", 5),
    ("fd", 4),
    ("faults", 7),
)


def heading() -> str:
    """Two lines."""
    groups = " ".join(f"{name:^{width - 1}}" for name, width in _GROUPS)
    return groups.rstrip() + "\n" + "".join(f"{name:>{width}}" for name, width in _COLUMNS)


def line(seconds: float, rta: RtaHalf, streams: StreamsHalf) -> str:
    """How it is `seconds` after the beginning."""
    clock = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"
    values: list[object] = [clock, rta.written, rta.received, rta.written - rta.received, rta.again, rta.doubled]
    ledger = streams.ledger
    values += [streams.published, streams.acknowledged, streams.open]
    values += [ledger.kinds["replay"], ledger.again, len(streams.consumer.heard)]
    for process in (rta.edge, streams.node, rta.redis, streams.broker):
        memory, handles = process.look()
        values += [f"{memory:.0f}", handles]
    values.append(rta.faults.total() + streams.faults.total())
    return "".join(f"{value!s:>{width}}" for value, (_, width) in zip(values, _COLUMNS, strict=True))


def growth_of(processes: Iterable[Attended], memory: float, handles: int) -> list[str]:
    """Which of their lives took more and more: over so many MiB, or so many handles."""
    found = []
    for process in processes:
        for number, life in enumerate(process.lives, 1):
            more_memory, more_handles = life.growth
            if more_memory > memory:
                found.append(f"{process.name}, life {number}: memory grew by {more_memory:.0f} MiB")
            if more_handles > handles:
                found.append(f"{process.name}, life {number}: {more_handles} handles more")
    return found


def summary(rta: RtaHalf, streams: StreamsHalf) -> str:
    """In figures."""
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted((rta.faults + streams.faults).items()))
    ledger = streams.ledger
    acknowledged = set().union(*ledger.acknowledged.values())
    unheard = len(acknowledged - streams.consumer.heard)
    grown = [
        f"{p.name} {max((life.growth[0] for life in p.lives), default=0):.0f} MiB and "
        f"{max((life.growth[1] for life in p.lives), default=0)} handles in one of {len(p.lives)} lives"
        for p in (*rta.processes, *streams.processes)
    ]
    return "\n".join(
        [
            f"faults: {faults}",
            f"sessions: {rta.written} samples due, {rta.received} received, {rta.lost} lost, {rta.again} again after"
            f" a reconnect, {rta.doubled} doubled, {sum(f.connections for f in rta.followers)} connections;"
            f" {rta.recorded} recorded",
            f"streams: {streams.committed} entries committed, {streams.committed - streams.lost} delivered,"
            f" {streams.lost} lost, {ledger.again} published again, {ledger.kinds['replay']} in replay;"
            f" {unheard} acknowledged by the broker and not heard by a consumer that was away or cut off with it",
            f"most growth: {'; '.join(grown)}",
        ]
    )


def verdict(wrong: list[str]) -> str:
    return "nothing is lost" if not wrong else click.style("\n".join(["FAILED", *wrong]), fg="red")
