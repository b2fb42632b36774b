"""The streams of a node, over topics. They are started and stopped on the throttle topic, and listed by what the node
has announced, as any node does it. Nodes of ours say more of them, and can change them, by commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeGuard

import trio
from attrs import define, field

from rta.background import in_background
from rta.consumer import CommandError, Consumer, RemoteNode, RemoteStream, State
from rta.consumer.throttle import STOP, ThrottledStream, write_start
from rta.errors import MalformedError, NotConnectedError, RtaError, UnreadableError
from rta.formatting import choices
from rta.node.stream_service import StreamService
from rta.ports import TopicBus, valid_topic
from rta.ports.topic_bus import TopicSubscription
from rta.rsmp.payload import iso
from rta.rsmp.presence import ONLINE, read_presence
from rta.rsmp.topics import RESERVED, NodeTopics, TopicKind

__all__ = ["NodeStreams"]

_PAGES = 1000  # of one list; a node's list is shorter
_KEPT = 0.5  # seconds for the state that the broker keeps to come
_ACKNOWLEDGED = 10.0  # seconds for the state that answers a start or stop
_SILENT = 1.0  # seconds for the answer of a node whose stream is already as it is asked to be: it need not give one
_AT_ONCE = 0.5  # seconds for an answer that only nodes of ours give, before anything else is asked
_DETAILS = 2.5  # seconds for it behind all else
_SLOW = 5  # times as long as the acknowledgement took, it may take longer: that tells how busy the node is

_Several = list[dict[str, Any]]


class NodeStreams(StreamService):
    """The streams of one node."""

    def __init__(self, consumer: Consumer, bus: TopicBus, node: str) -> None:
        """`bus`: the consumer's."""
        self._consumer = consumer
        self._bus = bus
        self._node = node
        self._presence = NodeTopics(node).topic(TopicKind.PRESENCE)

    async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        details = _Details()
        async with in_background(partial(self._ask, details, code, name)):
            await details.wait(_AT_ONCE)
            node = RemoteNode(self._node)
            if details.streams is None:
                node = await self._consumer.announced(self._node)
                await details.wait(_DETAILS)
        if details.streams is not None:
            return details.streams
        streams = [
            _listed(stream, node.presence)
            for key, stream in sorted(node.streams.items())
            if code in (None, key[0]) and name in (None, key[1])
        ]
        if streams:
            return streams
        if details.error is not None:
            raise details.error
        if node.presence is None and not node.streams:
            raise NotConnectedError(f"nothing is heard of {self._node}: no presence, no stream, no answer")
        if code is not None:
            wanted = _label(code, name or "")
            known = {_label(*key): (_label(*key),) for key in sorted(node.streams)}
            raise RtaError(f"{self._node} has announced no stream {wanted!r}; {choices(wanted, known)}")
        return []

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        # Not by `Consumer.start`: the stream runs for `consumer` or for nobody, and is not stopped when we leave.
        if timeout is not None and timeout <= 0:
            raise RtaError(f"timeout: expected a number of seconds above 0, got {timeout:g}")
        return await self._throttle(ThrottledStream(self._node, code, name), write_start(timeout, consumer), "running")

    async def stop(self, code: str, name: str) -> dict[str, Any]:
        return await self._throttle(ThrottledStream(self._node, code, name), STOP, "stopped")

    async def add(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self._command("stream.add", fields)

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self._command("stream.edit", {**fields, "code": code, "name": name})

    async def remove(self, code: str, name: str) -> None:
        await self._command("stream.remove", {"code": code, "name": name})

    # ---- what every node does

    async def _throttle(self, stream: ThrottledStream, payload: bytes, wanted: State) -> dict[str, Any]:
        """Ask the node, and wait until it has said the state; the stream as listed.

        :raises RtaError: the node says that there is no such stream, or it does not say the state.
        """
        if not valid_topic(stream.throttle_topics[0]):
            raise RtaError(f"there can be no stream {_label(stream.code, stream.name)}")
        details = _Details()
        async with (
            in_background(partial(self._ask, details, stream.code, stream.name, refuses=True)),
            self._bus.subscribe(*stream.state_topics, self._presence) as subscription,
        ):
            took = await self._have_said(stream, payload, wanted, subscription)
        with trio.move_on_after(_DETAILS + _SLOW * took):
            await self._ask(details, stream.code, stream.name)
        if details.streams:
            return details.streams[0]
        return {"code": stream.code, "name": stream.name, "newest": None, "state": stream.state}

    async def _have_said(
        self, stream: ThrottledStream, payload: bytes, wanted: State, subscription: TopicSubscription
    ) -> float:
        """How many seconds the node took to acknowledge; 0: it did not, and need not, since it was so before.

        :raises NotConnectedError: the node does not say the state.
        """
        heard = _Heard(stream, self._presence, subscription)
        with trio.move_on_after(_KEPT):
            await heard.until(lambda: stream.state is not None)
        began = trio.current_time()
        with trio.move_on_after(_ACKNOWLEDGED) as patience:
            await self._send(stream, payload)
            while stream.state != wanted:
                await heard.until(lambda: stream.state == wanted or heard.came)
                if heard.came:
                    heard.came = False
                    await self._send(stream, payload)
                elif heard.live:
                    return trio.current_time() - began
        if patience.cancelled_caught:
            raise NotConnectedError(
                f"{self._node} has not said within {_ACKNOWLEDGED:g} s that the stream is {wanted}{heard.away}"
            )
        with trio.move_on_after(_SILENT):  # it was so before
            await heard.until(lambda: heard.live and stream.state == wanted)
            return trio.current_time() - began
        if heard.away:
            raise NotConnectedError(f"{self._node} says nothing{heard.away}")
        return 0.0

    async def _send(self, stream: ThrottledStream, payload: bytes) -> None:
        for topic in stream.throttle_topics:
            await self._bus.publish(topic, payload, qos=1)

    # ---- what only nodes of ours do

    async def _command(self, code: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._consumer.command(self._node, code, values)

    async def _ask(self, details: _Details, code: str | None, name: str | None, refuses: bool = False) -> None:
        """Fill in the details. `refuses`: what there is not cannot be asked for.

        :raises CommandError: the node knows its streams, and this is none of them.
        """
        try:
            details.streams = await self._listed(code, name)
        except RtaError as e:
            if refuses and isinstance(e, CommandError) and e.field in ("code", "name"):
                raise
            details.error = e
        details.known.set()

    async def _listed(self, code: str | None, name: str | None) -> _Several:
        """:raises RtaError: the node refuses to list them, or does not answer as we understand it."""
        which = {"code": code, "stream": name or RESERVED if name is not None else None}
        wanted: dict[str, Any] = {key: value for key, value in which.items() if value is not None}
        streams: _Several = []
        for _ in range(_PAGES):
            page = await self._command("stream.list", wanted)
            listed, following = page.get("streams"), page.get("next")
            if not _is_listed(listed):
                break
            streams += listed
            if isinstance(following, int) and following > wanted.get("from", 0):
                wanted["from"] = following
            elif name is None or len(streams) == 1:
                return streams
            else:
                break
        raise UnreadableError(f"{self._node} does not answer as we understand it")


@define(eq=False)
class _Details:
    """What a node of ours says of its streams, or why there is nothing."""

    streams: _Several | None = None
    error: RtaError | None = None
    known: trio.Event = field(factory=trio.Event)

    async def wait(self, seconds: float) -> None:
        """Until they are known, for so long at most."""
        with trio.move_on_after(seconds):
            await self.known.wait()


@define(eq=False)
class _Heard:
    """What comes of a node while it is asked."""

    stream: ThrottledStream
    presence_topic: str
    subscription: TopicSubscription
    presence: str | None = None
    came: bool = False
    """It has come online meanwhile: what it was asked before it may not have heard."""
    live: bool = False
    """It has said its newest state just now."""

    @property
    def away(self) -> str:
        """What its presence says, if that is that it is away; to be added to a sentence."""
        return "" if self.presence in (None, ONLINE) else f": it is {self.presence}"

    async def until(self, enough: Callable[[], bool]) -> None:
        """Receive messages; `enough` is asked behind each."""
        while True:
            message = await self.subscription.receive()
            with suppress(MalformedError):  # what cannot be read is as good as not said
                if message.topic == self.presence_topic:
                    self.presence = read_presence(message.payload)
                    self.came = self.presence == ONLINE and not message.retained
                else:
                    self.stream.handle(message)
                    self.live = not message.retained
                if enough():
                    return


def _is_listed(streams: object) -> TypeGuard[_Several]:
    return isinstance(streams, list) and all(isinstance(s, dict) for s in streams)


def _listed(stream: RemoteStream, presence: str | None) -> dict[str, Any]:
    """A stream of which no more is known than what its node has announced; with the keys of `rta.node.listing`,
    and `presence`, that of the node."""
    newest = None if stream.last_ts is None else iso(stream.last_ts)
    return {
        "code": stream.code,
        "name": stream.name,
        "values": stream.values,
        "newest": newest,
        "state": stream.state,
        "seq": stream.seq,
        "presence": presence,
    }


def _label(code: str, name: str) -> str:
    return f"{code}/{name}" if name else code
