"""Remote nodes without a bus: what is heard is told to the sessions, and what they report is read as a client would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rta_transports.mqtt.sessions import Instant, RemoteSessions
from told import Told

from rta.clock_bounds import ClockBounds
from rta.ports import SourceUpdate
from rta.wire import SessionModel

__all__ = ["BASE", "FREE", "MS", "NODE", "Report", "Scene"]

BASE = 1_763_720_231_123_000_000
"""2025-11-21T10:17:11.123Z, when scenes begin."""
MS = 1_000_000
NODE = "dk/cph/tlc-1"


FREE = ClockBounds(None, None)
"""Entries may be of any time."""


class Report:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []
        self.counts: dict[str, float] = {}

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.faults.append((source, kind))

    def notice(self, source: str, kind: str, detail: str) -> None: ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        name = " ".join([metric, *labels.values()])
        self.counts[name] = self.counts.get(name, 0) + amount

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...


class Scene:
    """Some nodes, and a clock that stands still until it is moved."""

    def __init__(
        self,
        *,
        grace: float = 60.0,
        max_nodes: int = 1000,
        max_channels: int = 10_000,
        clocks: ClockBounds = FREE,
        known=None,
    ) -> None:
        self.report = Report()
        self.sessions = RemoteSessions(
            "tmc",
            self.report,
            grace=grace,
            max_nodes=max_nodes,
            max_channels=max_channels,
            clocks=clocks,
            known=known or {},
        )
        self.now = Instant(BASE, 0.0)
        self.told = Told()

    def after(self, seconds: float) -> None:
        """Time passes; what falls due meanwhile is reported when it does."""
        end = self.now.at + seconds
        while (due := self.sessions.due(self.now)) is not None and due <= end:
            self._move(max(due, self.now.at))
            self.look()
        self._move(end)

    def _move(self, at: float) -> None:
        self.now = Instant(self.now.wall + round((at - self.now.at) * 1e9), at)

    def look(self) -> list[SourceUpdate]:
        updates = self.sessions.updates(self.now)
        for update in updates:
            self.told.take(update)
        return updates

    def presence(self, presence: str | None, node: str = NODE) -> None:
        self.sessions.presence(node, presence, self.now)
        self.look()

    def entry(
        self, values: Mapping[str, Any], ts: int = BASE, code: str = "car.engine", name: str = "live", node: str = NODE
    ) -> None:
        self.sessions.entries(node, code, name, [(ts, values)], self.now)
        self.look()

    # ---- what a client sees of the only session

    @property
    def session(self) -> SessionModel:
        (model,) = self.told.sessions.values()
        return model

    @property
    def samples(self) -> dict[str, list[tuple[int, float]]]:
        return self.told.samples.get(self.session.identity, {})

    @property
    def events(self) -> list[tuple[str, int, str]]:
        return self.told.events.get(self.session.identity, [])
