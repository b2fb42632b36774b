"""The streams of a node, over topics: listed and changed by commands, started and stopped on the throttle topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import trio

from rta.consumer import Consumer
from rta.errors import MalformedError, RtaError, TransportError
from rta.ports import TopicBus, valid_topic
from rta.rsmp.payload import encode, read_map
from rta.rsmp.topics import RESERVED, NodeTopics, TopicKind

__all__ = ["NodeStreams"]

Listed = list[dict[str, Any]]

_PAGES = 1000  # of one list; a node's list is shorter
_ACKNOWLEDGED = 10.0  # seconds for the state that answers a start or stop


class NodeStreams:
    """Of one node; the calls are those of `StreamCalls`."""

    def __init__(self, consumer: Consumer, bus: TopicBus, node: str) -> None:
        """`bus`: the consumer's."""
        self._consumer = consumer
        self._bus = bus
        self._node = node
        self._topics = NodeTopics(node)

    async def list(self) -> list[dict[str, Any]]:
        streams: list[dict[str, Any]] = []
        start = 0
        for _ in range(_PAGES):
            page = await self._command("stream.list", {"from": start} if start else {})
            streams += self._listed(page)
            following = page.get("next")
            if not isinstance(following, int) or following <= start:
                return streams
            start = following
        raise self._stranger()

    async def show(self, code: str, name: str) -> dict[str, Any]:
        found = self._listed(await self._command("stream.list", {"code": code, "stream": name or RESERVED}))
        if len(found) != 1:
            raise self._stranger()
        return found[0]

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        """It is not stopped when we leave: it runs for `consumer`, or for nobody in particular."""
        if timeout is not None and timeout <= 0:
            raise RtaError(f"timeout: expected a number of seconds above 0, got {timeout:g}")
        await self.show(code, name)  # a throttle message that is refused has no answer
        details = {"timeout": timeout, "consumer": consumer}
        await self._throttle(code, name, "start", {k: v for k, v in details.items() if v is not None})
        return await self.show(code, name)

    async def stop(self, code: str, name: str) -> dict[str, Any]:
        if (stream := await self.show(code, name)).get("state") != "running":
            return stream  # and would not say so once more
        await self._throttle(code, name, "stop", {})
        return await self.show(code, name)

    async def add(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self._command("stream.add", {**fields, "code": code, "name": name})

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self._command("stream.edit", {**fields, "code": code, "name": name})

    async def remove(self, code: str, name: str) -> None:
        await self._command("stream.remove", {"code": code, "name": name})

    async def _command(self, code: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._consumer.command(self._node, code, values)

    async def _throttle(self, code: str, name: str, action: str, details: Mapping[str, Any]) -> None:
        """Until the node has said the state.

        :raises TransportError: it does not.
        """
        wanted = "running" if action == "start" else "stopped"
        topic = self._topics.topic(TopicKind.THROTTLE, code, name)
        if not valid_topic(topic):
            raise RtaError(f"there can be no stream {code}/{name}")
        async with self._bus.subscribe(self._topics.topic(TopicKind.STATE, code, name)) as states:
            with trio.move_on_after(_ACKNOWLEDGED):
                await self._bus.publish(topic, encode({"action": action, **details}), qos=1)
                while True:
                    message = await states.receive()
                    if not message.retained and _state(message.payload) == wanted:
                        return
        raise TransportError(f"{self._node} has not said within {_ACKNOWLEDGED:g} s that the stream is {wanted}")

    def _listed(self, answer: Mapping[str, Any]) -> Listed:
        streams = answer.get("streams")
        if not _is_listed(streams):
            raise self._stranger()
        return streams

    def _stranger(self) -> TransportError:
        return TransportError(f"{self._node} does not answer as we understand it")


def _is_listed(streams: object) -> TypeGuard[Listed]:
    return isinstance(streams, list) and all(isinstance(s, dict) for s in streams)


def _state(payload: bytes) -> object:
    try:
        return read_map(payload).get("state")
    except MalformedError:
        return None
