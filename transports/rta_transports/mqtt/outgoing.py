"""What is on its way out over one connection: its bounds, the window of unacknowledged messages, who is to be told.

Plain code: packets are left in a list for whoever writes them to the network, and who says how far that has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import frozen

from rta.errors import NotConnectedError, QueueFullError, UndeliverableError
from rta.ports import Done, Qos, valid_topic
from rta_transports.mqtt.limits import BrokerLimits
from rta_transports.mqtt.packets import packed_properties, packed_string, publish_packet

__all__ = ["Outgoing"]

_TOPICS = 16384  # remembered as packed
_OVERHEAD = 7  # bytes of a packet that are neither topic nor payload nor properties, at most
_MIDS = 65535


@frozen(slots=True)
class _Waiting:
    """A message of QoS 1 for which the window has no room."""

    topic: bytes
    payload: bytes
    retain: bool
    properties: bytes
    size: int
    done: Done | None


class Outgoing:
    """`leave(packet)` puts a packet in the way of the network and returns how many bytes have ever been put there."""

    def __init__(
        self, leave: Callable[[bytes], int], limits: BrokerLimits, in_flight: int, max_messages: int, max_bytes: int
    ) -> None:
        self._leave = leave
        self._limits = limits
        self._window = min(in_flight, limits.in_flight)
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._topics: dict[str, bytes] = {}
        self._messages = 0
        self._bytes = 0
        self._leaving: deque[tuple[int, int, Done | None]] = deque()  # QoS 0: end, size
        self._in_flight: dict[int, tuple[int, Done | None]] = {}  # QoS 1 by packet id: size
        self._waiting: deque[_Waiting] = deque()
        self._mid = 0

    @property
    def messages(self) -> int:
        """How many are not known to have been sent."""
        return self._messages

    @property
    def has_room(self) -> bool:
        """Whether it is worth while to try again after `QueueFullError`; whoever waits for all to leave is included."""
        return 2 * self._messages <= self._max_messages and 2 * self._bytes <= self._max_bytes

    def next_mid(self) -> int:
        """A packet id that is free."""
        while True:
            self._mid = self._mid % _MIDS + 1
            if self._mid not in self._in_flight:
                return self._mid

    def put(
        self,
        topic: str,
        payload: bytes,
        retain: bool,
        qos: Qos,
        response_topic: str | None,
        correlation: bytes | None,
        done: Done | None,
    ) -> None:
        """:raises ValueError: no topic.
        :raises QueueFullError: there is no room for now.
        :raises UndeliverableError: the broker does not take such messages.
        """
        packed = self._topics.get(topic) or self._pack(topic)
        properties = b"\0"
        if response_topic is not None or correlation is not None:
            if response_topic is not None and not valid_topic(response_topic):
                raise ValueError(f"{response_topic[:100]!r} is not a topic to answer on")
            properties = packed_properties(response_topic, correlation)
        size = len(packed) + len(payload) + len(properties) + _OVERHEAD
        self._check(topic, size, retain, qos)
        if not qos:
            end = self._leave(publish_packet(packed, payload, retain=retain, properties=properties))
            self._leaving.append((end, size, done))
        elif len(self._in_flight) < self._window and not self._waiting:
            self._launch(_Waiting(packed, payload, retain, properties, size, done))
        else:
            self._waiting.append(_Waiting(packed, payload, retain, properties, size, done))
        self._messages += 1
        self._bytes += size

    def written(self, upto: int) -> None:
        """So many bytes have been handed to the network."""
        leaving = self._leaving
        while leaving and leaving[0][0] <= upto:
            _, size, done = leaving.popleft()
            self._messages -= 1
            self._bytes -= size
            if done is not None:
                done(None)

    def acknowledged(self, mid: int, failure: str | None) -> None:
        """The broker has taken a message of QoS 1, or says why not."""
        known = self._in_flight.pop(mid, None)
        if known is None:
            return
        size, done = known
        self._messages -= 1
        self._bytes -= size
        while self._waiting and len(self._in_flight) < self._window:
            self._launch(self._waiting.popleft())
        if done is not None:
            done(None if failure is None else UndeliverableError(f"the broker refused the message: {failure}"))

    def abandon(self, reason: str) -> None:
        """The connection is over."""
        fates = [done for _, _, done in self._leaving]
        fates += [done for _, done in self._in_flight.values()]
        fates += [w.done for w in self._waiting]
        self._leaving.clear()
        self._in_flight.clear()
        self._waiting.clear()
        self._messages = self._bytes = 0
        for done in fates:
            if done is not None:
                done(NotConnectedError(reason))

    def _launch(self, w: _Waiting) -> None:
        mid = self.next_mid()
        self._in_flight[mid] = (w.size, w.done)
        self._leave(publish_packet(w.topic, w.payload, retain=w.retain, mid=mid, properties=w.properties))

    def _pack(self, topic: str) -> bytes:
        if not valid_topic(topic):
            raise ValueError(f"{topic[:100]!r} is not a topic to publish to")
        if len(self._topics) >= _TOPICS:
            self._topics.clear()
        packed = self._topics[topic] = packed_string(topic.encode())
        return packed

    def _check(self, topic: str, size: int, retain: bool, qos: Qos) -> None:
        limits = self._limits
        if (limits.packet is not None and size > limits.packet) or size > self._max_bytes:
            allowed = min(self._max_bytes, limits.packet or self._max_bytes)
            what = f"a message of {size} bytes on {topic[:100]!r}"
            raise UndeliverableError(f"{what} is too large; {allowed} are allowed")
        if (retain and not limits.retain) or qos > limits.qos:
            what = "messages to retain" if qos <= limits.qos else f"QoS {qos}"
            raise UndeliverableError(f"the broker takes no {what}")
        if self._messages >= self._max_messages or self._bytes + size > self._max_bytes:
            raise QueueFullError(f"{self._messages} messages of {self._bytes} bytes wait to be sent; there is no room")
