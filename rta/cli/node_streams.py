"""The streams of a node, over topics: listed and changed by commands, started and stopped on the throttle topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import trio

from rta.consumer import Consumer
from rta.errors import MalformedError, NotConnectedError, RtaError, UnreadableError
from rta.node.stream_service import StreamService
from rta.ports import TopicBus, valid_topic
from rta.rsmp.payload import encode, read_map
from rta.rsmp.topics import RESERVED, NodeTopics, TopicKind

__all__ = ["NodeStreams"]

_PAGES = 1000  # of one list; a node's list is shorter
_ACKNOWLEDGED = 10.0  # seconds for the state that answers a start or stop


class NodeStreams(StreamService):
    """The streams of one node."""

    def __init__(self, consumer: Consumer, bus: TopicBus, node: str) -> None:
        """`bus`: the consumer's."""
        self._consumer = consumer
        self._bus = bus
        self._node = node
        self._topics = NodeTopics(node)

    async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        which = {"code": code, "stream": name or RESERVED if name is not None else None}
        wanted: dict[str, Any] = {key: value for key, value in which.items() if value is not None}
        streams: list[dict[str, Any]] = []
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

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        # Not by `Consumer.start`: the stream runs for `consumer` or for nobody, and is not stopped when we leave.
        if timeout is not None and timeout <= 0:
            raise RtaError(f"timeout: expected a number of seconds above 0, got {timeout:g}")
        await self.list(code, name)  # which refuses what is not there; a throttle message has no answer then
        details = {"timeout": timeout, "consumer": consumer}
        await self._throttle(code, name, "start", {k: v for k, v in details.items() if v is not None})
        return (await self.list(code, name))[0]

    async def stop(self, code: str, name: str) -> dict[str, Any]:
        (stream,) = await self.list(code, name)
        if stream.get("state") != "running":
            return stream  # the node would not say once more that it is stopped
        await self._throttle(code, name, "stop", {})
        return (await self.list(code, name))[0]

    async def add(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self._command("stream.add", fields)

    async def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return await self._command("stream.edit", {**fields, "code": code, "name": name})

    async def remove(self, code: str, name: str) -> None:
        await self._command("stream.remove", {"code": code, "name": name})

    async def _command(self, code: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return await self._consumer.command(self._node, code, values)

    async def _throttle(self, code: str, name: str, action: str, details: Mapping[str, Any]) -> None:
        """Ask the node, and wait until it has said the state.

        :raises NotConnectedError: it does not say it.
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
        raise NotConnectedError(f"{self._node} has not said within {_ACKNOWLEDGED:g} s that the stream is {wanted}")


def _is_listed(streams: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(streams, list) and all(isinstance(s, dict) for s in streams)


def _state(payload: bytes) -> object:
    try:
        return read_map(payload).get("state")
    except MalformedError:
        return None
