"""What a node shows of its streams to others: an immutable snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from rta.stream.clock import StreamClock
from rta.stream.definition import StreamDefinition

__all__ = ["NodeView", "StreamView"]


@frozen
class StreamView:
    """One stream."""

    definition: StreamDefinition
    running: bool
    clock: StreamClock
    """That of its status."""


@frozen(eq=False)
class NodeView:
    """All streams of a node, after one of its turns."""

    streams: Mapping[tuple[str, str], StreamView] = field(factory=dict)
    """By code and name, in this order."""
    consumers: frozenset[str] = frozenset()
    """Ids of the nodes whose presence matters to a stream."""

    @property
    def running(self) -> tuple[int, int]:
        """How many streams there are, and how many of them run."""
        return len(self.streams), sum(s.running for s in self.streams.values())

    def keeps(self, code: str, name: str) -> bool:
        """Whether there is such a stream, and it has a history."""
        stream = self.streams.get((code, name))
        return stream is not None and stream.definition.history is not None
