"""The picture of other nodes, made of what they publish. Plain code: messages in, events out.

What is kept of one node is bounded, and so is the number of nodes. What is over a bound is left out and counted.

Source: docs/rsmp.md, "Nodes, topics, payloads", "Alarms" and "Replay".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field

from rta.consumer.events import (
    AlarmChanged,
    AlarmEntry,
    Event,
    GapFound,
    GapHealed,
    HistoryReceived,
    PresenceChanged,
    ReplayReceived,
    StatusEntry,
    StatusReceived,
    StreamChanged,
)
from rta.consumer.gaps import Gap
from rta.consumer.memory_size import characters
from rta.consumer.reading import read_alarms, read_entries, read_replay, read_state
from rta.consumer.stream import MergeResult, RemoteStream
from rta.consumer.values import Allowance
from rta.errors import MalformedError
from rta.ports import Reporter
from rta.rsmp.payload import is_clear
from rta.rsmp.presence import ONLINE, read_presence
from rta.rsmp.topics import TopicAddress, TopicKind
from rta.wire.values import Ns

__all__ = ["NODES", "Picture", "RemoteAlarm", "RemoteNode"]

NODES = 4096
STREAMS = 256
"""Of one node."""
ALARMS = 1000
"""Of one node."""
_GAPS = 1024  # open ones, of all streams


@define(eq=False)
class RemoteAlarm:
    """An active alarm."""

    code: str
    component: str | None
    ts: Ns
    values: dict[str, Any] = field(factory=dict)


@define(eq=False)
class RemoteNode:
    """A node, as it was last heard of. When it goes away, its streams and alarms stay as they were."""

    id: str
    presence: str | None = None
    """"online", "shutdown", "offline"; None: it has said nothing."""
    presence_at: Ns | None = None
    """When it was received, wall time."""
    presence_retained: bool = False
    """It was published before we subscribed: it may be older than `presence_at`."""
    streams: dict[tuple[str, str], RemoteStream] = field(factory=dict)
    """By code and name."""
    alarms: dict[tuple[str, str | None], RemoteAlarm] = field(factory=dict)
    """The active ones, by code and component."""
    allowance: Allowance = field(factory=Allowance)
    """How much more is kept of it; shared by its streams and alarms."""

    @property
    def online(self) -> bool:
        return self.presence == ONLINE


class Picture:
    """What is known of the nodes of one watch."""

    def __init__(self, report: Reporter) -> None:
        self.nodes: dict[str, RemoteNode] = {}
        self.gaps: dict[Gap, tuple[RemoteNode, RemoteStream]] = {}
        """The open gaps of all streams, those found first first."""
        self._report = report
        self._kinds: dict[TopicKind, Callable[[RemoteNode, TopicAddress, bytes, bool, Ns], list[Event]]] = {
            TopicKind.PRESENCE: self._presence,
            TopicKind.STATE: self._state,
            TopicKind.STATUS: self._status,
            TopicKind.REPLAY: self._replay,
            TopicKind.ALARM: self._alarm,
        }

    def feed(self, node_id: str, address: TopicAddress, payload: bytes, retained: bool, now: Ns) -> list[Event]:
        """A message of a node, received at `now` (wall time)."""
        node = self.nodes.get(node_id)
        if node is None:
            if is_clear(payload):
                return []
            if len(self.nodes) >= NODES:
                self._count_left_out()
                return []
            node = RemoteNode(node_id)
        try:
            events = self._kinds[address.kind](node, address, payload, retained, now)
        except MalformedError as e:
            self._fault(node_id, e.kind, f"{address.kind} {address.code}: {e}")
            return []
        if node.presence is not None or node.streams or node.alarms:
            self.nodes[node_id] = node
        else:
            self.nodes.pop(node_id, None)
        return events

    def fetched(
        self, node: RemoteNode, stream: RemoteStream, gap: Gap, entries: Sequence[StatusEntry], now: Ns
    ) -> list[Event]:
        """Entries that were fetched to fill a gap. The gap may be closed by now: several runs within it can have the
        same numbers."""
        result = stream.late([e for e in entries if gap.spans(e.ts)], "history", now)
        healed = self._gaps(node, stream, result)
        if not result.entries:
            return healed
        return [HistoryReceived(node.id, stream.code, stream.name, tuple(result.entries)), *healed]

    def has(self, node: RemoteNode, stream: RemoteStream) -> bool:
        """Whether the stream is still known."""
        known = self.nodes.get(node.id)
        return known is node and known.streams.get((stream.code, stream.name)) is stream

    def give_up(self, gap: Gap) -> list[Event]:
        """Close an open gap: what is missing in it will not come any more."""
        node, stream = self.gaps[gap]
        return self._gaps(node, stream, MergeResult(closed=[stream.give_up(gap)]))

    # ---- by kind of topic

    def _presence(self, node: RemoteNode, _: TopicAddress, payload: bytes, retained: bool, now: Ns) -> list[Event]:
        said = read_presence(payload)
        if said == node.presence and (retained or said is None):
            return []
        before, node.presence = node.presence, said
        node.presence_at, node.presence_retained = now, retained
        return [] if said == before else [PresenceChanged(node.id, said, now, retained)]

    def _state(self, node: RemoteNode, at: TopicAddress, payload: bytes, retained: bool, now: Ns) -> list[Event]:
        state = read_state(payload)
        stream = node.streams.get((at.code, at.name)) if state is None else self._stream(node, at)
        if stream is None or (not stream.changed(state) and state is not None):
            return []
        events: list[Event] = [StreamChanged(node.id, at.code, at.name, state, retained)]
        if state is None:
            del node.streams[at.code, at.name]
            events += self._gaps(node, stream, MergeResult(closed=stream.forget()))
        return events

    def _status(self, node: RemoteNode, at: TopicAddress, payload: bytes, retained: bool, now: Ns) -> list[Event]:
        if is_clear(payload):  # the retained one is cleared when a stream stops
            return []
        entries = read_entries(payload, self._faults(node, at))
        stream = self._stream(node, at) if entries else None
        if stream is None:
            return []
        result = stream.live(entries, retained, now)
        events = self._gaps(node, stream, result)
        if result.entries:
            events.append(StatusReceived(node.id, at.code, at.name, tuple(result.entries), retained))
        return events

    def _replay(self, node: RemoteNode, at: TopicAddress, payload: bytes, retained: bool, now: Ns) -> list[Event]:
        if is_clear(payload) or retained:
            return []
        entries, done, beginning = read_replay(payload, self._faults(node, at))
        stream = self._stream(node, at) if entries or done else None
        if stream is None:
            return []
        result = stream.late(entries, "replay", now)
        healed = self._gaps(node, stream, result)
        doubles = len(entries) - len(result.entries)
        new = tuple(result.entries)
        return [ReplayReceived(node.id, at.code, at.name, new, done, beginning, doubles), *healed]

    def _alarm(self, node: RemoteNode, at: TopicAddress, payload: bytes, retained: bool, now: Ns) -> list[Event]:
        if is_clear(payload):  # the code is not configured any more
            entries: list[AlarmEntry] = []
            full = True
        else:
            entries, full = read_alarms(payload, now, self._faults(node, at))
        changed = False
        if full:
            listed = {(at.code, e.component) for e in entries if e.active}
            for key in [k for k in node.alarms if k[0] == at.code and k not in listed]:
                changed |= self._end_alarm(node, key)
        for entry in entries:
            key = (at.code, entry.component)
            if not entry.active:
                changed |= self._end_alarm(node, key)
                continue
            known = node.alarms.get(key)
            if known is not None and known.ts == entry.ts and known.values == entry.values:
                continue
            changed = True
            self._end_alarm(node, key)
            if len(node.alarms) >= ALARMS or not node.allowance.acquire(1, _size(entry.component, entry.values)):
                self._count_left_out()
            else:
                node.alarms[key] = RemoteAlarm(at.code, entry.component, entry.ts, entry.values)
        return [AlarmChanged(node.id, at.code, tuple(entries), full)] if changed else []

    # ---- parts of these

    def _stream(self, node: RemoteNode, at: TopicAddress) -> RemoteStream | None:
        stream = node.streams.get((at.code, at.name))
        if stream is None:
            if len(node.streams) >= STREAMS:
                self._count_left_out()
                return None
            stream = node.streams[at.code, at.name] = RemoteStream(at.code, at.name, node.allowance)
        return stream

    def _end_alarm(self, node: RemoteNode, key: tuple[str, str | None]) -> bool:
        alarm = node.alarms.pop(key, None)
        if alarm is not None:
            node.allowance.release(1, _size(alarm.component, alarm.values))
        return alarm is not None

    def _gaps(self, node: RemoteNode, stream: RemoteStream, result: MergeResult) -> list[Event]:
        """The events about gaps; values that were left out are counted."""
        if result.left_out:
            self._count_left_out(result.left_out)
        who = node.id, stream.code, stream.name
        events: list[Event] = []
        for gap in result.opened:
            self.gaps[gap] = node, stream
            events.append(GapFound(*who, gap.after_seq, gap.before_seq, gap.since, gap.until))
        for gap in result.closed:
            self.gaps.pop(gap, None)
            outcome = "lost" if gap.missing else "healed"
            self._report.count("rta_consumer_gaps_total", outcome=outcome)
            events.append(GapHealed(*who, gap.after_seq, gap.before_seq, gap.since, gap.until, gap.missing))
        while len(self.gaps) > _GAPS:
            events += self.give_up(self._one_too_many())
        return events

    def _one_too_many(self) -> Gap:
        """The oldest gap of the node that has the most."""
        count = Counter(node.id for node, _ in self.gaps.values())
        torn = count.most_common(1)[0][0]
        return next(gap for gap, (node, _) in self.gaps.items() if node.id == torn)

    def _count_left_out(self, count: int = 1) -> None:
        self._report.count("rta_consumer_left_out_total", count, reason="bound")

    def _faults(self, node: RemoteNode, at: TopicAddress) -> Callable[[str, str], None]:
        return lambda kind, detail: self._fault(node.id, kind, f"{at.kind} {at.code}: {detail}")

    def _fault(self, node_id: str, kind: str, detail: str) -> None:
        self._report.malformed(f"node {node_id}", kind, detail)


def _size(component: str | None, values: dict[str, Any]) -> int:
    return len(component or "") + characters(values)
