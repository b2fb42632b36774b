"""The fetch server: answers requests for history that come over topics from what is kept.

Owns the fetches that are being answered (8 at once) and those that wait (64); over that bound the answer is empty, and
counted. Receives requests from `TopicRequests`; has the history file read where it is; sends through `HistorySender`.
Fetches that are answered at once proceed together, a chunk of each in turn. Ends when it is cancelled.

Source: docs/rsmp.md, "History and fetch" and "Response Topic".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog
import trio
from attrs import frozen

from rta.actors.history_sender import HistorySender
from rta.errors import HistoryError, MalformedError, TransportError
from rta.history.answer import NOTHING, HistoryAnswer, step
from rta.history.entry import Key
from rta.history.request import Range, read_range
from rta.latest import Latest
from rta.node.token_bucket import TokenBucket
from rta.ports import Reporter, TopicBus, TopicMessage
from rta.rsmp.topics import NodeTopics, TopicAddress, TopicKind, is_response_topic

__all__ = ["FetchServer"]

log = structlog.get_logger("rta.node")

_AT_ONCE = 8
_WAITING = 64
_EMPTY_AT_ONCE = 16  # empty answers on their way
_EMPTY = 256  # and such that wait
_DEADLINE = 30.0  # seconds for a chunk to be read


T = TypeVar("T")


class Read(Protocol):
    """Has a function of the store read something, and gives what that gives."""

    async def __call__(self, work: Callable[..., T], /, *arguments: object) -> T:
        """:raises HistoryError: it cannot be read."""
        ...


@frozen
class _Fetch:
    key: Key
    asked: Range
    topic: str
    correlation: bytes | None


@frozen
class _Empty:
    topic: str
    correlation: bytes | None


class FetchServer:
    """The fetch topics of one node."""

    def __init__(
        self,
        topics: NodeTopics,
        bus: TopicBus,
        known: Callable[[str, str], bool],
        read: Read,
        settle: Callable[[], Awaitable[None]],
        link: Latest[int],
        report: Reporter,
    ) -> None:
        """`known`: whether there is such a stream. `read` has a function of the store read something. `settle`: wait,
        not for ever, until all that has been recorded is committed. `link`: the number of the connection; 0: there is
        none."""
        self._node = topics.node
        self._known = known
        self._read = read
        self._settle = settle
        self._report = report
        self._quota = TokenBucket()
        self._line = HistorySender(bus, link)
        self._asking, self._asked = trio.open_memory_channel[_Fetch](_WAITING)
        self._refusing, self._refused = trio.open_memory_channel[_Empty](_EMPTY)
        self._busy = 0
        self._unreadable = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._line.run)
            for _ in range(_EMPTY_AT_ONCE):
                nursery.start_soon(self._answer_empty)
            for _ in range(_AT_ONCE):
                nursery.start_soon(self._answer_all)
            task_status.started()

    def handle(self, message: TopicMessage, address: TopicAddress, now: float) -> None:
        """A request that came live. `now`: steady seconds."""
        topic = message.response_topic
        if not self._quota.acquire(now):
            self._refuse("flood")
        elif topic is None:
            self._refuse("no_response_topic")
        elif not is_response_topic(topic, TopicKind.HISTORY, address.code, address.name):
            self._refuse("response_topic")
        else:
            self._enqueue(message, address, topic)

    def _enqueue(self, message: TopicMessage, address: TopicAddress, topic: str) -> None:
        try:
            asked = read_range(message.payload)
        except MalformedError as e:
            self._report.malformed("fetch", e.kind, f"{message.topic}: {e}")
            self._refuse(e.kind, _Empty(topic, message.correlation))
            return
        if not self._known(address.code, address.name):
            self._refuse("unknown", _Empty(topic, message.correlation))
            return
        try:
            self._asking.send_nowait(_Fetch((address.code, address.name), asked, topic, message.correlation))
        except trio.WouldBlock:
            self._refuse("busy", _Empty(topic, message.correlation))

    def _refuse(self, reason: str, answer: _Empty | None = None) -> None:
        self._report.count("rta_topic_input_refused_total", kind="fetch", reason=reason)
        if answer is not None:
            try:
                self._refusing.send_nowait(answer)
            except trio.WouldBlock:
                self._report.count("rta_fetches_total", outcome="dropped")

    # ---- answering

    async def _answer_empty(self) -> None:
        async for answer in self._refused:
            try:
                with self._line.sender() as sender:
                    await sender.send(answer.topic, NOTHING, answer.correlation)
                    await sender.finish()
            except TransportError:
                self._report.count("rta_fetches_total", outcome="undelivered")

    async def _answer_all(self) -> None:
        async for fetch in self._asked:
            self._busy += 1
            self._report.gauge("rta_fetches_open", self._busy)
            try:
                outcome = await self._answer(fetch)
                self._report.count("rta_fetches_total", outcome=outcome)
            finally:
                self._busy -= 1
                self._report.gauge("rta_fetches_open", self._busy)

    async def _answer(self, fetch: _Fetch) -> str:
        """What became of it."""
        await self._settle()
        answer = HistoryAnswer(fetch.key, fetch.asked)
        outcome = "answered"
        try:
            with self._line.sender() as sender:
                while outcome == "answered" and not answer.done:
                    try:
                        answer, messages = await self._step(answer)
                    except HistoryError as e:
                        messages = [NOTHING]
                        outcome = "unreadable"
                        self._cannot_read(str(e))
                    except trio.TooSlowError:
                        messages = [NOTHING]
                        outcome = "unreadable"
                        self._cannot_read(f"the disk does not answer within {_DEADLINE:g} s")
                    for payload in messages:
                        await sender.send(fetch.topic, payload, fetch.correlation)
                        self._report.count("rta_history_messages_total")
                await sender.finish()
        except TransportError:
            outcome = "undelivered"
        finally:
            self._report.count("rta_history_entries_sent_total", answer.entries)
            self._report.count("rta_history_entries_too_large_total", answer.oversize)
        return outcome

    async def _step(self, answer: HistoryAnswer) -> tuple[HistoryAnswer, list[bytes]]:
        with trio.fail_after(_DEADLINE):
            following = await self._read(step, answer, self._line.pace.message)
        self._unreadable = False
        return following

    def _cannot_read(self, why: str) -> None:
        if not self._unreadable:
            self._unreadable = True
            log.warning("a fetch cannot be answered in full", node=self._node, reason=why)
