"""The node: samples and time go in, what its streams have to say comes out.

Owns the statuses and streams (`rta.node`) with their clocks, and what administration has changed of them.

Receives, in one inbox (see `rta.actors.node_messages`):
- samples and clocks from the sampler, which waits while the inbox is full;
- requests for streams, each with its reply; whoever asks waits as well;
- posted, because they must not wait: `OwesFull` from the publisher, at most one a stream, and `LinkChanged`, one a
  connection.

Sends what one turn has produced as one `Turn` to the history, and waits while that is full. Samples of alarms go on to
the alarms. What others may see is shown as a `NodeView` before the turn is sent; replies are given after it.

It cannot deadlock: it waits only for the history and the alarms, which wait only for the publisher, which waits for
nobody. What comes back from them is posted.

Ends when it is cancelled. `EndNode` comes before: then its batches are sent, and nothing after them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import structlog
import trio
from attrs import define

from rta.actors.alarm_messages import AlarmMessage, AlarmSamples
from rta.actors.audit import Audit
from rta.actors.node_messages import (
    ApplyChange,
    EndNode,
    LinkChanged,
    Listed,
    ListStreams,
    NodeMessage,
    OwesFull,
    PlanAddition,
    PlanEdit,
    PlanRemoval,
    PresenceHeard,
    StartStream,
    StopStream,
)
from rta.alarm.definition import code_of
from rta.errors import RtaError
from rta.health import Health
from rta.inbox import Inbox, Outlet, Reply
from rta.latest import Latest
from rta.node.administration import Administration
from rta.node.events import NodeEvent, Turn
from rta.node.listing import list_stream
from rta.node.node import Node
from rta.node.node_stream import Initiator, NodeStream, Now, Refusal, Refused
from rta.node.view import NodeView
from rta.ports import Reporter
from rta.rsmp.topics import RESERVED
from rta.stream.clock import ClockChanged, Sampled, SampledTogether
from rta.stream.clock_step import ClockStepDetector

__all__ = ["NodeActor", "NodeOutlets"]

log = structlog.get_logger("rta.node")

_WHO = "samples"
_OLD_LOOKS = 5  # after so many, one after the other, samples that are too old are no passing matter
_LOOK = 1.0  # seconds between looks at what is to be pruned, and the longest sleep of the clock
_SET_BACK = 1.0  # seconds the wall clock may be set back without everything beginning anew
_SET_FORWARD = 10.0  # and forward: so much can be played through, and costs less than to forget all values


@define
class NodeOutlets:
    """Where a node sends to."""

    history: Outlet[Turn]
    alarms: Outlet[AlarmMessage]
    view: Latest[NodeView]
    audit: Audit
    report: Reporter
    health: Health


class NodeActor:
    """The streams of one node."""

    def __init__(
        self,
        inbox: Inbox[NodeMessage],
        node: Node,
        administration: Administration,
        clock: Callable[[], Now],
        out: NodeOutlets,
    ) -> None:
        """`node` and `administration` are its own from now on."""
        self._inbox = inbox
        self._node = node
        self._administration = administration
        self._clock = clock
        self._out = out
        self._events: list[NodeEvent] = []
        self._alarm_samples: list[Sampled | ClockChanged] = []
        self._replies: list[Callable[[], None]] = []
        self._changed = True
        """What is shown is no longer so."""
        self._looked_at = 0.0
        self._old_looks = 0
        """Looks one after the other at which samples had been too old."""
        self._over = False
        out.view.show(node.view())

    async def run(
        self, seqs: Mapping[tuple[str, str], int], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Until cancelled. `seqs`: the number of the newest entry that is kept of each stream. Started when what the
        streams say at their start is on its way."""
        now = self._clock()
        self._clock_step = ClockStepDetector(now.wall, now.steady, back=_SET_BACK, forward=_SET_FORWARD)
        self._looked_at = now.steady
        try:
            self._events += self._node.start_defaults(now, seqs)
            await self._send()
            task_status.started()
            while True:
                messages: list[NodeMessage] = []
                with trio.move_on_at(self._wakes()):
                    messages = await self._inbox.receive()
                self._turn(messages)
                await self._send()
        finally:
            for message in self._inbox.close():
                if isinstance(getattr(message, "reply", None), Reply):
                    message.reply.refuse(_ending())  # type: ignore[union-attr]

    def _wakes(self) -> float:
        """When it has something to do though nothing comes, steady seconds."""
        if self._over:
            return float("inf")
        now, due = self._clock(), self._node.due()
        soon = now.steady + _LOOK if due is None else now.steady + max((due - now.wall) / 1e9, 0.0)
        return min(soon, self._looked_at + _LOOK)

    async def _send(self) -> None:
        """What the turn has produced: first what is shown, then what is said, then the replies."""
        out = self._out
        if self._changed:
            self._changed = False
            view = self._node.view()
            self._node.pruning.forget(view.consumers)
            out.view.show(view)
        if self._events:
            events, self._events = tuple(self._events), []
            await out.history.send(Turn(events))
        if self._alarm_samples:
            samples, self._alarm_samples = tuple(self._alarm_samples), []
            await out.alarms.send(AlarmSamples(samples))
        replies, self._replies = self._replies, []
        for give in replies:
            give()

    # ---- one turn; no checkpoint in here

    def _turn(self, messages: Iterable[NodeMessage]) -> None:
        now = self._clock()
        step = self._clock_step.step(now.wall, now.steady)
        if step is not None and not self._over:
            # Before an hour that never was is played through.
            log.warning("the clock was set", seconds=round(step, 3))
            self._events += self._node.flush(now)  # the ends of batches may be far ahead now
            self._node.begin_anew(now)
        for message in messages:
            self._handle(message, now)
        if self._over:
            return
        self._events += self._node.advance(now)
        if now.steady >= self._looked_at + _LOOK:
            self._looked_at = now.steady
            self._prune(now)

    def _handle(self, message: NodeMessage, now: Now) -> None:
        match message:
            case SampledTogether(items):
                for item in items:
                    self._sampled(item, now)
            case Sampled() | ClockChanged():
                self._sampled(message, now)
            case OwesFull(key, connection):
                if not self._over:
                    self._events += self._node.refresh(key, connection, now)
            case LinkChanged(up):
                if up:
                    self._node.pruning.connected(now.steady)
                else:
                    self._node.pruning.disconnected()
            case PresenceHeard(consumer, presence):
                self._node.pruning.heard(consumer, presence)
            case EndNode(reply):
                if not self._over:
                    self._events += self._node.flush(now)
                self._over = True
                self._replies.append(partial(reply.give, None))
            case _:
                try:
                    if self._over:
                        raise _ending()
                    self._request(message, now)
                except RtaError as e:
                    self._replies.append(partial(message.reply.refuse, e))

    def _sampled(self, item: Sampled | ClockChanged, now: Now) -> None:
        if self._over:
            return
        if code_of(item.code) is not None:
            self._alarm_samples.append(item)
        elif isinstance(item, Sampled):
            self._events += self._node.feed(item.code, item.samples, now)
        else:
            self._node.set_clock(item.code, item.clock, now)
            self._changed = True

    def _request(
        self,
        message: ListStreams | StartStream | StopStream | PlanAddition | PlanEdit | PlanRemoval | ApplyChange,
        now: Now,
    ) -> None:
        """:raises RtaError: it is refused."""
        node, administration = self._node, self._administration
        match message:
            case ListStreams(code, name, reply):
                self._replies.append(partial(reply.give, [self._listed(s, now) for s in self._chosen(code, name)]))
            case StartStream(code, name, by, timeout, consumer, started):
                stream = node.stream(code, _plain(name))
                self._events += node.start(stream, by, now, timeout, consumer)
                self._changed = True
                self._replies.append(partial(started.give, self._listed(stream, now)))
            case StopStream(code, name, by, stopped):
                stream = node.stream(code, _plain(name))
                self._events += node.stop(stream, by, now)
                self._changed = True
                self._replies.append(partial(stopped.give, self._listed(stream, now)))
            case PlanAddition(fields, planned):
                self._replies.append(partial(planned.give, administration.add(fields)))
            case PlanEdit(code, name, fields, planned):
                self._replies.append(partial(planned.give, administration.edit(code, _plain(name), fields)))
            case PlanRemoval(code, name, planned):
                self._replies.append(partial(planned.give, administration.remove(code, _plain(name))))
            case ApplyChange(plan, by, applied):
                changed, events = administration.apply(plan, by, now)
                self._events += events
                self._changed = True
                self._replies.append(partial(applied.give, None if changed is None else self._listed(changed, now)))

    def _chosen(self, code: str | None, name: str | None) -> list[NodeStream]:
        if code is None:
            return self._node.streams
        if name is not None:
            return [self._node.stream(code, _plain(name))]
        self._node.status(code)
        return [s for s in self._node.streams if s.definition.code == code]

    def _listed(self, stream: NodeStream, now: Now) -> Listed:
        return list_stream(stream, self._node.pruning, now)

    def _prune(self, now: Now) -> None:
        """What is to be pruned, and what there is to count."""
        out = self._out
        counts = Counter[str]()
        for kind, count in self._node.counts():
            counts[kind] += count
            out.report.count("rta_stream_samples_left_out_total", count, kind=kind)
        self._notice_old_samples(counts["too_old"])
        pruned, events = self._node.prune(now)
        for stream in pruned:
            by = stream.stopped_by or Initiator("pruning")
            out.audit.note(now, "prune", by, "ok", code=stream.definition.code, stream=stream.definition.name)
            out.report.count("rta_streams_pruned_total", reason=by.who)
        self._events += events
        self._changed = self._changed or bool(pruned)

    def _notice_old_samples(self, count: int) -> None:
        """Values are null though samples come: that is told, once it lasts."""
        self._old_looks = self._old_looks + 1 if count else 0
        if self._old_looks == _OLD_LOOKS:
            why = "values are null: samples are older than max_age when they come, so a clock is wrong, theirs or ours"
            log.warning(why, samples=count)
            self._out.health.fail(_WHO, why)
        elif not count:
            self._out.health.ok(_WHO)


def _plain(name: str) -> str:
    """`default` stands for the stream without a name."""
    return "" if name == RESERVED else name


def _ending() -> Refused:
    return Refused("the node is shutting down", kind=Refusal.UNAVAILABLE)
