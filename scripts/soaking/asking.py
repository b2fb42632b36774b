"""What one learns who comes to the broker and asks: the retained picture of a node, and its history."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cbor2
import trio
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from scripts.soaking.consumer import new_client

__all__ = ["fetched", "picture_of"]

_PATIENCE = 15.0  # seconds for an answer, or for its next message
_END = "soak/end"


async def picture_of(port: int, node: str) -> dict[str, Any]:
    """What is retained of a node, as one who comes now sees it; payloads decoded, topics below the node's.

    :raises OSError: the broker does not answer.
    """

    def look() -> dict[str, Any]:
        found: dict[str, Any] = {}
        with _subscribed(port, f"{node}/#", _END) as (client, messages):
            client.publish(_END, b"x", 1)
            while (message := _next(messages, "the broker")).topic != _END:
                if message.retain:
                    found[message.topic.removeprefix(node + "/")] = cbor2.loads(message.payload)
        return found

    return await trio.to_thread.run_sync(look)


async def fetched(port: int, node: str, stream: str) -> list[dict[str, Any]]:
    """Everything that a node has of a stream, over topics.

    :raises OSError: there is no answer, or it stops coming.
    """

    def fetch() -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        answer = f"soak/consumer/history/{stream}"
        with _subscribed(port, answer) as (client, messages):
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ResponseTopic, properties.CorrelationData = answer, b"soak"
            client.publish(f"{node}/fetch/{stream}", cbor2.dumps({}), 1, properties=properties)
            complete = False
            while not complete:
                page = cbor2.loads(_next(messages, f"a fetch of {stream}, after {len(entries)} entries,").payload)
                entries += page["entries"]
                complete = page["complete"]
        return entries

    return await trio.to_thread.run_sync(fetch)


@contextmanager
def _subscribed(port: int, *topics: str) -> Iterator[tuple[Client, queue.SimpleQueue[MQTTMessage]]]:
    """A client, and what comes to it."""
    messages: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
    ready = threading.Event()
    client = new_client()

    def connected(client: Client, *_: object) -> None:
        client.subscribe([(topic, 1) for topic in topics])

    client.on_connect = connected
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _, __, message: messages.put(message)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        if not ready.wait(_PATIENCE):
            raise TimeoutError("the broker does not answer")
        yield client, messages
    finally:
        client.disconnect()
        client.loop_stop()


def _next(messages: queue.SimpleQueue[MQTTMessage], who: str) -> MQTTMessage:
    try:
        return messages.get(timeout=_PATIENCE)
    except queue.Empty:
        raise TimeoutError(f"{who} has no answer within {_PATIENCE:g} s") from None
