"""The load of the streams: how many on what, and how it is configured."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from attrs import frozen

from scripts.bench.streams_source import TURN, parameter

__all__ = ["BESIDE", "NODE", "Changes", "StreamsLoad"]

NODE = "bench"
"""The node's id."""

BESIDE = "-beside"
"""In the names of streams that never have a history."""

_PARTS = 20  # bursts in which the changes of one turn come


class Changes(StrEnum):
    """When the attributes change."""

    SPREAD = "spread"
    """Evenly over each turn."""
    INSTANT = "instant"
    """All at once, once a turn."""


@frozen
class StreamsLoad:
    """Streams of one send-on-change attribute each, several on each attribute, QoS 0."""

    changes: Changes
    statuses: int
    """That the attributes are divided among."""
    seconds: float
    attributes: int = 200
    streams_each: int = 5
    state_dir: str | None = None
    """Where these streams keep their histories; None: there are none."""
    beside: int = 0
    """More streams on each attribute, which never have a history."""

    @property
    def turns(self) -> int:
        """How often every attribute changes."""
        return max(1, round(self.seconds / TURN))

    @property
    def samples(self) -> int:
        return self.turns * self.attributes

    @property
    def deltas(self) -> int:
        return self.samples * (self.streams_each + self.beside)

    @property
    def streams(self) -> int:
        return self.attributes * (self.streams_each + self.beside)

    @property
    def source(self) -> dict[str, Any]:
        """Options of the source; see `scripts.bench.streams_source`."""
        return {
            "transport": "bench-changes",
            "parameters": self.attributes,
            "parts": _PARTS if self.changes is Changes.SPREAD else 1,
            "turns": self.turns,
        }

    def configuration(self, port: int) -> str:
        """The topics and statuses, as TOML."""
        site = ["[site]", f'node = "{NODE}"']
        kept = []
        if self.state_dir is not None:
            site, kept = [*site, f'state_dir = "{self.state_dir}"'], ["history = {}"]
        lines = [*site, "[topics]", 'transport = "mqtt"', f"port = {port}"]
        each = self.attributes // self.statuses
        for first in range(0, self.attributes, each):
            numbers = range(first, min(first + each, self.attributes))
            lines += ["[[status]]", f'code = "bench.s{first}"', "[status.attributes]"]
            lines += [f'a{n} = {{ from = "parameter:{parameter(n)}" }}' for n in numbers]
            for n in numbers:
                of_it = f'attributes = {{ a{n} = "change" }}'
                for k in range(self.streams_each):
                    lines += ["[[status.stream]]", f'name = "a{n}-{k}"', of_it, *kept]
                for k in range(self.beside):
                    lines += ["[[status.stream]]", f'name = "a{n}{BESIDE}{k}"', of_it]
        return "\n".join(lines) + "\n"
