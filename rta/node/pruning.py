"""When streams stop by themselves: too long since the last start, or nobody left whom they are for.

Source: docs/rsmp.md, "Pruning".
"""

from __future__ import annotations

from collections.abc import Iterable

from rta.node.node_stream import NodeStream
from rta.rsmp.presence import ONLINE

__all__ = ["Pruning"]

_HEARING = 1.0  # seconds for retained presences to come, behind a connection or a start


class Pruning:
    """Knows who is there. Times are steady seconds."""

    def __init__(self) -> None:
        self._presence: dict[str, str] = {}
        self._known_since: float | None = None
        """Since when we have been hearing of presences; None: we do not."""

    def connected(self, now: float) -> None:
        """Presences are heard from now on; some may have been since the connection was made."""
        self._known_since = now

    def disconnected(self) -> None:
        """Nothing is known of anybody until we are connected again."""
        self._presence.clear()
        self._known_since = None

    def heard(self, node: str, presence: str | None) -> None:
        """What a node has published of itself; None: its presence was cleared."""
        if presence is None:
            self._presence.pop(node, None)
        else:
            self._presence[node] = presence

    def forget(self, wanted: Iterable[str]) -> None:
        """Only these are of interest any more."""
        keep = set(wanted)
        self._presence = {node: said for node, said in self._presence.items() if node in keep}

    def presence(self, node: str) -> str | None:
        """As the node said it last; None: nothing heard."""
        return self._presence.get(node)

    def due(self, stream: NodeStream, now: float) -> float | None:
        """When the stream is to be stopped if nothing else happens; None: not by itself."""
        run = stream.run
        if run is None:
            return None
        ends: list[float] = []
        if stream.timeout is not None:
            ends.append(run.renewed + stream.timeout / 1e9)
        consumers = stream.consumers
        if not consumers or self._known_since is None or any(self._presence.get(c) == ONLINE for c in consumers):
            run.away_since = None
        else:
            if run.away_since is None:
                run.away_since = now
            grace = stream.definition.prune.grace / 1e9
            heard = max(self._known_since, run.renewed) + max(grace, _HEARING)
            ends.append(max(run.away_since + grace, heard))
        return min(ends, default=None)
