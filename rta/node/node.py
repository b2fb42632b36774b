"""A node's statuses and streams: which run, since when and why, and what is to be sent of them.

Plain code: moments come in, what is to be sent goes out. Nothing here awaits, so every call is atomic.
Source: docs/rsmp.md, "Start and stop" and "Pruning".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from heapq import heapify, heappop, heappush

from attrs import evolve

from rta.formatting import choices
from rta.node.events import Cleared, NodeEvent, Refreshed, Removed, StateChanged, Update
from rta.node.node_stream import CONFIGURATION, Activation, Initiator, NodeStream, Now, Refusal, Refused
from rta.node.pruning import Pruning
from rta.node.stream_settings import name_fault
from rta.node.view import NodeView, StreamView
from rta.rsmp.topics import valid_node
from rta.stream.clock import LIVE, StreamClock
from rta.stream.definition import StatusDefinition, StreamDefinition
from rta.stream.engine import Output, Sample, StatusEngine
from rta.wire.values import Ns

__all__ = ["Node"]

_NONE: Mapping[tuple[str, str], int] = {}
_VOID = 8  # entries of the agenda for each status; then the void ones are thrown out
_CONSUMERS = 64  # that can start one stream
_JUMP = 10_000_000_000  # ns by which a new clock may be ahead to be taken for going on; faster ones more
_LONGEST = 10 * 366 * 86400.0  # seconds


class Node:
    """All the streams of one node."""

    def __init__(self, zone: tzinfo) -> None:
        """`zone`: whose midnight the clock of updates counts from."""
        self._zone = zone
        self._statuses: dict[str, StatusEngine] = {}
        self._clocks: dict[str, StreamClock] = {}
        self._streams: dict[tuple[str, str], NodeStream] = {}
        self._due: dict[str, Ns | None] = {}
        self._agenda: list[tuple[Ns, str]] = []
        """A heap of when which status is due, wall time; entries that `_due` does not confirm are void."""
        self.pruning = Pruning()

    # ---- what there is

    @property
    def statuses(self) -> dict[str, StatusDefinition]:
        """By code."""
        return {code: engine.definition for code, engine in self._statuses.items()}

    @property
    def streams(self) -> list[NodeStream]:
        """All of them, by status and name."""
        return [self._streams[key] for key in sorted(self._streams)]

    @property
    def count(self) -> int:
        """How many streams there are."""
        return len(self._streams)

    def status(self, code: str) -> StatusDefinition:
        """:raises Refused: there is none."""
        engine = self._statuses.get(code)
        if engine is None:
            known = {c: (c,) for c in sorted(self._statuses)}
            raise Refused(f"there is no status {code!r}; {choices(code, known)}", "code", Refusal.UNKNOWN)
        return engine.definition

    def stream(self, code: str, name: str) -> NodeStream:
        """:raises Refused: there is none."""
        found = self._streams.get((code, name))
        if found is None:
            self.status(code)
            known = {n or "(unnamed)": (n,) for n in sorted(n for c, n in self._streams if c == code)}
            why = f"status {code!r} has no stream {name or '(unnamed)'!r}; {choices(name, known)}"
            raise Refused(why, "name", Refusal.UNKNOWN)
        return found

    def has(self, code: str, name: str) -> bool:
        """Whether there is such a stream."""
        return (code, name) in self._streams

    def view(self) -> NodeView:
        """What others are shown of it."""
        streams = {
            key: StreamView(s.definition, s.run is not None, self._clocks[s.definition.code])
            for key, s in sorted(self._streams.items())
        }
        return NodeView(streams, frozenset(self.consumers))

    def counts(self) -> Iterator[tuple[str, int]]:
        """What the engines have counted and left out since they were asked last, by kind."""
        for engine in self._statuses.values():
            yield from engine.counts.items()
            engine.counts.clear()

    def add_status(self, status: StatusDefinition) -> None:
        """A status without streams, of live time."""
        self._statuses[status.code] = StatusEngine(status, self._zone)
        self._clocks[status.code] = LIVE

    def add(self, definition: StreamDefinition) -> NodeStream:
        """A stopped stream of a status that is there.

        :raises Refused: the status is not, or its names would not be unique.
        """
        self.check_names(definition)
        status = self._statuses[definition.code]
        stream = NodeStream(definition, status.add(definition))
        self._streams[stream.key] = stream
        return stream

    def check_names(self, definition: StreamDefinition) -> None:
        """:raises Refused: the status is not there, or could not tell this stream from its others."""
        self.status(definition.code)
        why = name_fault(definition.name, self._statuses[definition.code].streams)
        if why is not None:
            raise Refused(why, "name", Refusal.CONFLICT)

    def remove(self, stream: NodeStream, by: Initiator, now: Now) -> list[NodeEvent]:
        """Stop a stream and forget it."""
        out = [o for o in self.stop(stream, by, now) if isinstance(o, Update)]
        self._forget(stream)
        return [*out, Removed(stream.definition)]

    def _forget(self, stream: NodeStream) -> None:
        self._statuses[stream.definition.code].remove(stream.definition.name)
        del self._streams[stream.key]
        self._schedule(stream.definition.code)

    def edit(self, old: NodeStream, definition: StreamDefinition, now: Now) -> tuple[NodeStream, list[NodeEvent]]:
        """The same stream with other settings. If it runs, it starts anew, for the same reason as before; another
        description alone changes nothing."""
        if evolve(old.definition, description=definition.description) == definition:
            old.definition = definition
            return old, []
        run, stopped_by = old.run, old.stopped_by
        out = self.stop(old, CONFIGURATION, now) if run is not None else []
        self._forget(old)
        new = self.add(definition)
        new.stopped_by = stopped_by
        if run is not None:
            out += self._begin(new, Activation(now.wall, run.by, run.timeout, run.consumers, now.steady), now)
        return new, out

    # ---- start and stop

    def start_defaults(self, now: Now, seqs: Mapping[tuple[str, str], int] = _NONE) -> list[NodeEvent]:
        """Every stream gets its default state. `seqs`: the number of the newest event that is kept of a stream, by
        code and name; those that have a history go on from there."""
        out: list[NodeEvent] = []
        for stream in self.streams:
            kept = seqs.get(stream.key, 0) if stream.definition.history is not None else 0
            out += self.begin_default(stream, now, kept)
        return out

    def begin_default(self, stream: NodeStream, now: Now, seq: int = 0) -> list[NodeEvent]:
        """A stopped stream gets its default state. `seq`: the number that its first event follows."""
        if stream.definition.default_on:
            return self._begin(stream, Activation(now.wall, CONFIGURATION, renewed=now.steady), now, seq)
        return [Cleared(stream.definition), StateChanged(stream.definition, False)]

    def start(
        self, stream: NodeStream, by: Initiator, now: Now, timeout: float | None = None, consumer: str | None = None
    ) -> list[NodeEvent]:
        """Start a stream, or renew it. `timeout` in seconds.

        :raises Refused: a timeout or consumer that cannot be.
        """
        if timeout is not None and not (math.isfinite(timeout) and 0 < timeout <= _LONGEST):
            raise Refused(f"expected a number of seconds above 0, got {timeout:g}", "timeout")
        if consumer is not None and not valid_node(consumer):
            raise Refused(f"expected a node id, got {consumer[:60]!r}", "consumer")
        run = stream.run
        others = run.consumers if run is not None else {}
        if consumer is not None and consumer not in others and len(others) >= _CONSUMERS:
            raise Refused(f"{_CONSUMERS} consumers have started it already", "consumer", Refusal.CONFLICT)
        span = None if timeout is None else Ns(round(timeout * 1e9))
        if run is None:
            begun = Activation(now.wall, by, span, {} if consumer is None else {consumer: None}, now.steady)
            return self._begin(stream, begun, now)
        run.by, run.renewed, run.away_since = by, now.steady, None
        if span is not None:
            run.timeout = span
        if consumer is not None:
            run.consumers[consumer] = None
        return [StateChanged(stream.definition, True)]

    def _begin(self, stream: NodeStream, run: Activation, now: Now, seq: int = 0) -> list[NodeEvent]:
        stream.run = run
        messages = stream.engine.start(self.ts(stream, now), now.wall, seq)
        self._schedule(stream.definition.code)
        return [StateChanged(stream.definition, True), *[Update(stream.definition, m) for m in messages]]

    def stop(self, stream: NodeStream, by: Initiator, now: Now) -> list[NodeEvent]:
        """Stop a stream; one that is stopped stays so, and says so."""
        out: list[NodeEvent] = []
        if stream.run is not None:
            out += [Update(stream.definition, m) for m in stream.engine.stop(self.ts(stream, now), now.wall)]
            stream.run, stream.stopped_by = None, by
            self._schedule(stream.definition.code)
        return [*out, Cleared(stream.definition), StateChanged(stream.definition, False)]

    def prune(self, now: Now) -> tuple[list[NodeStream], list[NodeEvent]]:
        """Stop what is due; which those are."""
        pruned = [s for s in self.streams if (at := self.pruning.due(s, now.steady)) is not None and at <= now.steady]
        out: list[NodeEvent] = []
        for stream in pruned:
            out += self.stop(stream, Initiator("pruning", self._why(stream, now)), now)
        return pruned, out

    @staticmethod
    def _why(stream: NodeStream, now: Now) -> str:
        assert stream.run is not None
        timeout = stream.timeout
        if timeout is not None and stream.run.renewed + timeout / 1e9 <= now.steady:
            return "timeout"
        return "consumers gone"

    @property
    def consumers(self) -> set[str]:
        """Whose presence matters."""
        return {c for stream in self._streams.values() for c in stream.consumers}

    # ---- time and samples

    def ts(self, stream: NodeStream, now: Now) -> Ns:
        """Its stream time now."""
        return self._clocks[stream.definition.code].now(now.wall)

    def set_clock(self, code: str, clock: StreamClock, now: Now) -> None:
        """The samples of a status have another time from now on. Unless it goes on from what was, all begins anew."""
        jump = clock.now(now.wall) - self._clocks[code].now(now.wall)
        self._clocks[code] = clock
        if not 0 <= jump <= (_JUMP if clock.speed < 1 else _JUMP * clock.speed):
            self._statuses[code].begin_anew(clock.now(now.wall))
        self._schedule(code)

    def begin_anew(self, now: Now) -> None:
        """The wall clock has been set."""
        for code, engine in self._statuses.items():
            engine.begin_anew(self._clocks[code].now(now.wall))
            self._schedule(code)

    def feed(self, code: str, samples: Sequence[Sample], now: Now) -> list[NodeEvent]:
        """New samples of a status."""
        return self._step(code, samples, now) if code in self._statuses else []

    def advance(self, now: Now) -> list[NodeEvent]:
        """Whatever is due by now."""
        out: list[NodeEvent] = []
        while self._agenda and self._agenda[0][0] <= now.wall:
            at, code = heappop(self._agenda)
            if self._due.get(code) == at:
                self._due[code] = None
                out += self._step(code, (), now)
        return out

    def due(self) -> Ns | None:
        """When `advance` is to be called next, wall time."""
        while self._agenda and self._due.get(self._agenda[0][1]) != self._agenda[0][0]:
            heappop(self._agenda)
        return self._agenda[0][0] if self._agenda else None

    def _step(self, code: str, samples: Sequence[Sample], now: Now) -> list[NodeEvent]:
        engine = self._statuses[code]
        output = engine.feed(samples, self._clocks[code].now(now.wall), now.wall)
        self._schedule(code)
        return self._sent(output)

    def _schedule(self, code: str) -> None:
        ts, wall = self._statuses[code].due()
        at = None if ts is None else self._clocks[code].wall_at(ts)
        if wall is not None:
            at = wall if at is None else min(at, wall)
        if at != self._due.get(code):
            self._due[code] = at
            if at is not None:
                heappush(self._agenda, (at, code))
                if len(self._agenda) > _VOID * len(self._due):
                    self._agenda = [(due, code) for code, due in self._due.items() if due is not None]
                    heapify(self._agenda)

    def _sent(self, output: Output) -> list[NodeEvent]:
        return [Update(engine.definition, message) for engine, message in output]

    # ---- connections

    def refresh(self, key: tuple[str, str], connection: int, now: Now) -> list[NodeEvent]:
        """The picture of a stream anew: after a reconnect, or where an update was lost. `connection`: for which."""
        stream = self._streams.get(key)
        if stream is None:
            return []
        out: list[NodeEvent] = [Refreshed(stream.definition, connection)]
        if stream.run is not None:
            messages = stream.engine.reconnected(self.ts(stream, now), now.wall)
            out += [Update(stream.definition, m) for m in messages]
            self._schedule(stream.definition.code)
        return out

    def flush(self, now: Now) -> list[NodeEvent]:
        """What is collected in batches, at a shutdown."""
        return [Update(s.definition, m) for s in self.streams if s.run is not None for m in s.engine.flush(now.wall)]
