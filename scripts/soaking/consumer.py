"""Who listens to a node from the outside all the time: paho with a thread of its own, and its own reading of CBOR."""

from __future__ import annotations

from collections.abc import Collection

import cbor2
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from scripts.soaking.ledger import fingerprint, stream_of

__all__ = ["Consumer", "new_client"]


def new_client() -> Client:
    """One that comes back within a second."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.reconnect_delay_set(1, 1)
    return client


class Consumer:
    """Hears what a node says, and says what the plant does. Comes back whenever the broker does."""

    def __init__(self, port: int, node: str, streams: Collection[str]) -> None:
        """`streams`: those whose entries are to be remembered."""
        self.heard: set[int] = set()
        """Entries, as the ledger knows them."""
        self.again = 0
        self.unreadable: list[str] = []
        self._node, self._streams = node, streams
        self._client = new_client()
        self._client.on_connect = self._subscribe
        self._client.on_message = self._take
        self._client.connect_async("127.0.0.1", port, keepalive=5)
        self._client.loop_start()

    def _subscribe(self, client: Client, *_: object) -> None:
        client.subscribe([(f"{self._node}/status/#", 1), (f"{self._node}/replay/#", 1)])

    def _take(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        _, stream = stream_of(self._node, message.topic)
        if stream not in self._streams or not message.payload or message.retain:
            return
        try:
            for entry in cbor2.loads(message.payload)["entries"]:
                one = fingerprint(stream, entry)
                self.again += one in self.heard
                self.heard.add(one)
        except (ValueError, KeyError, TypeError) as e:
            self.unreadable.append(f"{message.topic}: {e!r}")

    def say(self, topic: str, number: int, retain: bool = False) -> None:
        """Of the plant. Lost while there is no broker, unless it is to be retained: that waits."""
        if retain or self._client.is_connected():
            self._client.publish(topic, str(number).encode(), 1 if retain else 0, retain)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
