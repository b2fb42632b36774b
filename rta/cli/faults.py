"""What is malformed in the messages of nodes, and how a command says so."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from rta.formatting import printable

__all__ = ["Faults"]


@define
class Faults:
    """Counts what was left out of messages, as the `Reporter` of a connection."""

    total: int = 0
    last: str = ""
    """What was left out last, in words."""
    say: Callable[[str], None] = field(default=lambda text: None)
    """Called with the first fault of each kind."""
    _kinds: set[str] = field(factory=set)

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.total += 1
        self.last = printable(f"left out, from {source}: {detail}"[:500])
        if kind not in self._kinds:
            self._kinds.add(kind)
            self.say(f"{self.last} (more of this kind is only counted)")

    def notice(self, source: str, kind: str, detail: str) -> None: ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None: ...

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...
