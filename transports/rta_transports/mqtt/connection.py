"""One connection to a broker, from CONNECT to its end. What is said is paho's; bytes and time are ours."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

import trio
from attrs import define, field
from paho.mqtt.client import DisconnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from rta.errors import MalformedError
from rta.network_errors import network_reason
from rta_transports.mqtt.dispatch import Asking
from rta_transports.mqtt.limits import BrokerLimits
from rta_transports.mqtt.options import MqttTopicsOptions
from rta_transports.mqtt.outgoing import Outgoing
from rta_transports.mqtt.packets import PUBACK, PacketReader, acknowledgement
from rta_transports.mqtt.speaker import Identity, Speaker, properties
from rta_transports.mqtt.wire import Wire

__all__ = ["MqttConnection"]

_KEEP_ALIVE = 0x8D
_TAKEN_OVER = 0x8E
_FAILURE = 0x80
_SESSION_EXPIRY = 60  # s


class MqttConnection:
    """Runs until it is `over`; `ended` says why, in words. A connection that has ended stays so."""

    def __init__(
        self,
        sock: socket.socket,
        identity: Identity,
        options: MqttTopicsOptions,
        clean: bool,
        receive: Callable[[MQTTMessage], None],
    ) -> None:
        self._options = options
        self._clean = clean
        self._wire = Wire(sock)
        self._packets = PacketReader(options.max_received)
        self._idle = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()
        self._subscribing: dict[int, tuple[Asking, _Answers]] = {}
        self._farewell = False
        self._answer = trio.Event()
        self.accepted = trio.Event()
        self.served_since: float | None = None
        """When it began to be of use, by Trio's clock."""
        self.over = trio.Event()
        self.ended: str | None = None
        self.taken_over = False
        self.hung_up = False
        self.session_present = False
        self.will_topic_retained = False
        """A message is retained on the topic of our will."""
        self.limits = BrokerLimits()
        self.outgoing = self._outgoing()
        self._paho = paho = Speaker(identity, self._wire, lambda: self.outgoing.next_mid())
        paho.on_connect = self._on_connect
        paho.on_disconnect = self._on_disconnect
        paho.on_subscribe = self._on_subscribe
        paho.on_message = lambda _client, _data, message: receive(message)
        paho.on_socket_register_write = lambda _client, _data, _sock: self.wake()
        paho.on_socket_unregister_write = lambda _client, _data, _sock: None

    def _outgoing(self) -> Outgoing:
        o = self._options
        return Outgoing(self._wire.leave, self.limits, o.in_flight, o.queue_messages, o.queue_bytes)

    async def run(self) -> None:
        """Speak until it is over."""
        try:
            async with trio.open_nursery() as nursery:
                host, port = self._options.address()
                self._paho.connect(
                    host,
                    port,
                    keepalive=int(self._options.keep_alive),
                    clean_start=self._clean,
                    properties=properties(
                        PacketTypes.CONNECT,
                        SessionExpiryInterval=_SESSION_EXPIRY,
                        MaximumPacketSize=self._options.max_received,
                    ),
                )
                for task in (self._read, self._write, self._keep_alive):
                    nursery.start_soon(task)
                await self.over.wait()
                nursery.cancel_scope.cancel()
        finally:
            self.end("the connection was closed")
            self._wire.shut()

    async def answered(self) -> bool:
        """Wait for the broker's answer; whether it has accepted us."""
        if self.ended is None:
            await self._answer.wait()
        return self.accepted.is_set() and self.ended is None

    def end(self, why: str) -> None:
        """It is over; the first reason counts. Whoever waits for something is told."""
        if self.ended is None:
            self.ended = why
            self.over.set()
            self._answer.set()
            for _, answers in self._subscribing.values():
                answers.complete.set()
            self.outgoing.abandon(why)
            self._room.unpark_all()

    def wake(self) -> None:
        """There is something to write."""
        if self._idle:
            self._idle.unpark()

    async def room(self) -> None:
        """Wait until some messages have left, or it is over."""
        if self.ended is None:
            await self._room.park()

    # ---- subscriptions

    async def subscribe(self, asked: Iterable[Asking]) -> dict[str, str]:
        """Returns when the broker has answered to all of it, or the connection is over; what it refused, and why."""
        answers = _Answers()
        if self.ended is None:
            for asking in asked:
                numbered = properties(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=asking.identifier)
                _, mid = self._paho.subscribe(
                    asking.filter,
                    options=SubscribeOptions(qos=1),
                    properties=numbered if self.limits.identifiers else None,
                )
                assert mid is not None, "paho has a socket as long as we have not ended"
                self._subscribing[mid] = (asking, answers)
                answers.missing += 1
            if answers.missing:
                await answers.complete.wait()
        return answers.refused

    def unsubscribe(self, filters: list[str]) -> None:
        """Without waiting for an answer."""
        if filters and self.ended is None and not self._farewell:
            self._paho.unsubscribe(filters)

    async def leave(self) -> None:
        """Send what waits, and say goodbye; returns when the broker has hung up."""
        while self.outgoing.messages and self.ended is None:
            await self._room.park()
        if self.ended is None:
            self._farewell = True
            self._paho.disconnect(properties=properties(PacketTypes.DISCONNECT, SessionExpiryInterval=0))
            await self.over.wait()

    # ---- tasks

    async def _read(self) -> None:
        try:
            while data := await self._wire.read():
                for packet in self._packets.feed(data):
                    if packet[0] & 0xF0 == PUBACK:
                        self._acknowledged(*acknowledgement(packet))
                    elif not self._farewell:
                        self._wire.offer(packet)
                        while self._wire.offered and self.ended is None:
                            self._paho.loop_read()
                if self._room and self.outgoing.has_room:
                    self._room.unpark_all()
                self.wake()
            self.hung_up = self.ended is None
            self.end("the broker closed the connection")
        except OSError as e:
            self.end(network_reason(e))
        except MalformedError as e:
            self.end(f"the broker sent {e}")

    async def _write(self) -> None:
        try:
            while True:
                if self._paho.want_write():
                    self._paho.loop_write()
                everything = self._wire.write()
                self.outgoing.written(self._wire.written)
                if self._room and self.outgoing.has_room:
                    self._room.unpark_all()
                if not everything:
                    await self._wire.writable()
                elif self._wire.waiting or self._paho.want_write():
                    await trio.lowlevel.checkpoint()
                else:
                    await self._idle.park()
        except OSError as e:
            self.end(network_reason(e))

    async def _keep_alive(self) -> None:
        while True:
            await trio.sleep(min(1.0, self._options.keep_alive / 4))
            if not self._farewell:
                self._paho.loop_misc()

    # ---- what paho has understood

    def _acknowledged(self, mid: int, code: int) -> None:
        self.outgoing.acknowledged(mid, _refusal(code) if code >= _FAILURE else None)

    def _on_connect(self, _client: Any, _data: Any, flags: Any, code: ReasonCode, said: Properties | None) -> None:
        if code.is_failure:
            self.end(f"the broker refused us: {_words(code, said)}")
            return
        self.session_present = flags.session_present
        self.limits = BrokerLimits.said(said)
        self.outgoing = self._outgoing()
        self.accepted.set()
        self._answer.set()

    def _on_disconnect(
        self, _client: Any, _data: Any, flags: DisconnectFlags, code: ReasonCode, said: Properties | None
    ) -> None:
        if self._farewell:
            return
        if flags.is_disconnect_packet_from_server:
            self.taken_over = code.value == _TAKEN_OVER
            self.end(f"the broker ended it: {_words(code, said)}")
        elif code.value == _KEEP_ALIVE:
            self.end(f"nothing heard from the broker for {2 * self._options.keep_alive:g} s")
        else:
            self.end(f"the connection broke: {code}")

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, codes: list[ReasonCode], said: Properties) -> None:
        if (known := self._subscribing.pop(mid, None)) is None:
            return
        asking, answers = known
        if codes[0].is_failure:
            answers.refused[asking.filter] = _words(codes[0], said)
            for subscription in asking.subscribers:
                subscription.refused.add(asking.filter)
        answers.missing -= 1
        if not answers.missing:
            answers.complete.set()


@define(eq=False)
class _Answers:
    """To some SUBSCRIBEs that belong together."""

    missing: int = 0
    complete: trio.Event = field(factory=trio.Event)
    refused: dict[str, str] = field(factory=dict)


def _words(code: ReasonCode, said: Properties | None) -> str:
    because = getattr(said, "ReasonString", None)
    return f"{code}: {because}" if because else str(code)


def _refusal(code: int) -> str:
    try:
        return str(ReasonCode(PacketTypes.PUBACK, identifier=code))
    except (KeyError, ValueError):  # none that MQTT knows
        return f"reason code 0x{code:02X}"
