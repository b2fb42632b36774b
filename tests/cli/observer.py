"""A client of an MQTT broker that is not ours: paho in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cbor2
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from program import PATIENCE, wait_until

__all__ = ["Observer", "observing"]


class Observer:
    """Sees what one who comes now would see, and what comes then."""

    def __init__(self, port: int, pattern: str) -> None:
        self.retained: dict[str, Any] = {}
        self.live: list[tuple[str, Any]] = []
        self.answers: list[tuple[Any, bytes | None]] = []
        self._ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.on_connect = lambda *_: self._client.subscribe(pattern, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(PATIENCE)

    def _take(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        value = cbor2.loads(message.payload) if message.payload else None
        if message.retain:
            self.retained[message.topic] = value
            return
        self.live.append((message.topic, value))
        if "/result/" in message.topic:
            self.answers.append((value, getattr(message.properties, "CorrelationData", None)))

    def tell(self, topic: str, value: Any, answer: str | None = None, retain: bool = False) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        if answer is not None:
            properties.ResponseTopic = answer
            properties.CorrelationData = b"q"
        published = self._client.publish(topic, cbor2.dumps(value), 1, retain, properties)
        published.wait_for_publish(PATIENCE)
        assert published.is_published(), f"waited in vain for {topic} to be taken"

    def said(self, topic: str) -> list[Any]:
        """What has been published there since we came."""
        return [value for t, value in list(self.live) if t == topic]

    def sees(self, topic: str, value: Any) -> None:
        """Wait until the latest of a topic is this."""

        def latest() -> Any:
            said = self.said(topic)
            return said[-1] if said else self.retained.get(topic)

        wait_until(lambda: latest() == value, f"{value!r} on {topic}, not {latest()!r}")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def observing(port: int, pattern: str = "#") -> Iterator[Observer]:
    observer = Observer(port, pattern)
    try:
        yield observer
    finally:
        observer.close()
