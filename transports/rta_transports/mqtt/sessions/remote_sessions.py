"""The sessions of all nodes of a source: told what a consumer hears, it says what the source is to report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rta.clock_bounds import ClockBounds
from rta.errors import MalformedError
from rta.ports import Reporter, SourceUpdate
from rta.rsmp.payload import iso
from rta.rsmp.presence import OFFLINE, ONLINE, SHUTDOWN
from rta.wire.values import Ns
from rta_transports.mqtt.sessions.channels import ChannelIds, KnownChannels, write_channels
from rta_transports.mqtt.sessions.items import read_entry
from rta_transports.mqtt.sessions.node_sessions import Instant, NodeSessions

__all__ = ["RemoteSessions"]

_WAITING = 4 << 20  # bytes of entries that wait for a session to open; over it the oldest of the node that has most go


class RemoteSessions:
    """Owns what is known of each node."""

    def __init__(
        self,
        source: str,
        report: Reporter,
        *,
        grace: float,
        max_nodes: int,
        max_channels: int,
        clocks: ClockBounds,
        known: KnownChannels,
    ) -> None:
        """`source`: its name. `grace`: seconds a node may be lost without its session being closed. `clocks`: what
        times entries may have. `known`: the channels of before."""
        self._source, self._report, self._grace = source, report, grace
        self._max_nodes, self._max_channels = max_nodes, max_channels
        self._clocks = clocks
        self._unseen = dict(known)
        self._nodes: dict[str, NodeSessions] = {}
        self._size = self._early = 0
        self._busy: dict[str, NodeSessions] = {}
        self.learned = False
        """Whether there are channels that were not there when this was last set to False."""

    @property
    def size(self) -> int:
        """Bytes, about, of what has come and has not been reported."""
        return self._size

    @property
    def nodes(self) -> Iterable[str]:
        """Those that have been heard of."""
        return self._nodes.keys()

    def session_of(self, node: str) -> str | None:
        """The identity of the session of a node; None: it has none now."""
        known = self._nodes.get(node)
        return None if known is None else known.identity

    def presence(self, node: str, presence: str | None, now: Instant) -> None:
        """A node's presence has been heard; None: there is none any more."""
        known = self._node(node)
        if known is not None:
            known.heard(presence if presence in (ONLINE, SHUTDOWN) else OFFLINE, now)
            self._busy[node] = known

    def entries(
        self, node: str, code: str, stream: str, entries: Iterable[tuple[int, Mapping[str, Any]]], now: Instant
    ) -> None:
        """Entries that have not been heard before, each with its `ts`, ns since the Unix epoch."""
        known = self._node(node)
        if known is None:
            return
        for ts, values in entries:
            if not self._clocks.allow(ts, now.wall):
                which = f"{code}/{stream}" if stream else code
                text = f"an entry of {which} is of {iso(Ns(ts))}, and it is {iso(Ns(now.wall))}"
                self._malformed(node, MalformedError("clock", text))
                continue
            entry, faults = read_entry(known.channels, code, stream, ts, values)
            for fault in faults:
                self._malformed(node, fault)
            if entry is not None:
                known.feed(entry)
                self._size += entry.size
                if not known.is_open:
                    self._early += entry.size
                    self._make_room(known)
        self.learned = self.learned or bool(known.channels.changed)
        self._busy[node] = known

    def forget_sessions(self) -> None:
        """All that were open are closed by others; nodes that are online get new ones."""
        for node, known in self._nodes.items():
            known.forget_session()
            self._busy[node] = known
        self._early = self._size

    def due(self, now: Instant) -> float | None:
        """When `updates` has something to report, in seconds of the clock that is never set; None: nothing waits."""
        return min((t for n in self._busy.values() if (t := n.due(now)) is not None), default=None)

    def updates(self, now: Instant) -> list[SourceUpdate]:
        """What is to be reported by now, in this order."""
        out: list[SourceUpdate] = []
        for name, node in list(self._busy.items()):
            self._size -= node.size
            self._early -= 0 if node.is_open else node.size
            out += node.updates(now)
            self._size += node.size
            self._early += 0 if node.is_open else node.size
            if node.due(now) is None:
                del self._busy[name]
        return out

    def channels_document(self) -> dict[str, Any]:
        """The document to keep over a restart."""
        return write_channels({n: known.channels for n, known in self._nodes.items()}, self._unseen)

    def _node(self, node: str) -> NodeSessions | None:
        known = self._nodes.get(node)
        if known is None:
            if len(self._nodes) >= self._max_nodes:
                fault = MalformedError("nodes", f"there are {self._max_nodes} nodes already: no room for {node!r}")
                self._report.malformed(self._source, fault.kind, str(fault))
                return None
            channels = ChannelIds(self._max_channels, self._unseen.pop(node, ()))
            known = self._nodes[node] = NodeSessions(node, self._source, self._grace, channels)
        return known

    def _make_room(self, known: NodeSessions) -> None:
        """`known` has one more that waits."""
        while self._early > _WAITING:
            most = known
            if 2 * known.size < self._early:
                most = max((n for n in self._nodes.values() if not n.is_open), key=lambda n: n.size)
            dropped = most.leave_out()
            self._size -= dropped
            self._early -= dropped
            self._report.count("rta_remote_left_out_total")

    def _malformed(self, node: str, fault: MalformedError) -> None:
        self._report.malformed(f"{self._source}: {node}", fault.kind, str(fault))
