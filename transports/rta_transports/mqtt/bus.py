"""The topic bus over MQTT: a connection, made again whenever it is lost, and the subscriptions that outlive it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import NoReturn

import structlog
import trio
from attrs import define, field
from paho.mqtt.client import MQTTMessage

from rta.background import in_background
from rta.backoff import Backoff
from rta.errors import NotConnectedError, QueueFullError, TransportError, UndeliverableError
from rta.network_errors import network_reason
from rta.ports import Context, Done, Link, Qos, TopicMessage, Will, valid_filter, valid_topic
from rta.ports.certificate_expiry import CertificateExpiry
from rta.ports.tls import client_context
from rta.wakeup import Wakeup
from rta_transports.mqtt.connection import MqttConnection
from rta_transports.mqtt.dial import dial
from rta_transports.mqtt.dispatch import Dispatch, MqttSubscription
from rta_transports.mqtt.options import MqttTopicsOptions
from rta_transports.mqtt.rivalry import Rivalry
from rta_transports.mqtt.speaker import Identity
from rta_transports.mqtt.tls import encrypted

__all__ = ["MqttTopics", "open_topics"]

log = structlog.get_logger("rta.mqtt")

_FAREWELL = 1.0  # s, for what waits to be sent when the owner leaves
_AFTER_TAKEOVER = 60.0  # s, so that two with one id do not fight


class MqttTopics:
    """One client of a broker."""

    def __init__(self, options: MqttTopicsOptions, context: Context) -> None:
        self.trouble: str | None = None
        self._options = options
        self._context = context
        self._client_id: str | None = None
        self._will_topic: str | None = None
        self._dispatch = Dispatch()
        self._open: MqttConnection | None = None
        self._accepted: MqttConnection | None = None  # the same, once subscriptions are being renewed
        self._connection: MqttConnection | None = None  # the same, once all of them are in force
        self._said = ""
        self._links = 0
        self._link: Link | None = None
        self._linked = Wakeup()
        self._expiry = CertificateExpiry(options, context)

    # ---- the connection

    @asynccontextmanager
    async def connect(self, client_id: str, will: Will | None = None) -> AsyncIterator[None]:
        if self._client_id is not None:
            raise RuntimeError(f"this bus is in use already, as {self._client_id!r}")
        self._client_id = client_id
        self._will_topic = None if will is None else will.topic
        self.trouble = f"{self._options.where()}: not connected yet"
        try:
            async with in_background(partial(self._stay_connected, client_id, will)):
                yield
                if (connection := self._open) is not None:
                    self._connection = None  # nothing more is sent
                    with trio.move_on_after(_FAREWELL, shield=True):
                        await connection.leave()
        finally:
            self._client_id = self.trouble = None

    async def link(self, after: int = 0) -> Link:
        await trio.lowlevel.checkpoint()
        while (link := self._link) is None or link.number <= after:
            await self._linked.wait()
        return link

    async def _stay_connected(self, client_id: str, will: Will | None) -> None:
        async with trio.open_nursery() as nursery:
            if self._options.tls:
                await nursery.start(self._expiry.watch)
            await self._connect_again_and_again(client_id, will)

    async def _connect_again_and_again(self, client_id: str, will: Will | None) -> NoReturn:
        backoff = Backoff(first=0.1, cap=self._options.max_pause)
        rivalry = Rivalry()
        clean = True
        while True:
            try:
                connection = await self._one_connection(client_id, will, clean)
            except TransportError as e:
                rivalry.unreachable()
                self._troubled(str(e))
                await backoff.pause()
                continue
            began_clean, clean = clean, clean and not connection.accepted.is_set()
            now = trio.current_time()
            if connection.served_since is not None:
                backoff.reset()
            if connection.accepted.is_set() and rivalry.lost(
                told=connection.taken_over,
                hung_up=connection.hung_up,
                session=None if began_clean else connection.session_present,
                retained=connection.will_topic_retained,
                lived=now - (connection.served_since or now),
                now=now,
            ):
                another = f"taken over by another client with the id {client_id!r}"
                if not connection.taken_over:
                    another = f"the broker closes the connection again and again: probably {another}"
                self._troubled(f"{self._options.where()}: {another}; back in {_AFTER_TAKEOVER:g} s")
                await trio.sleep(_AFTER_TAKEOVER)
                continue
            self._troubled(f"{self._options.where()}: {connection.ended}")
            await backoff.pause()

    async def _one_connection(self, client_id: str, will: Will | None, clean: bool) -> MqttConnection:
        """From its beginning to its end.

        :raises TransportError: there is nobody to speak to.
        """
        options = self._options
        try:
            with trio.fail_after(options.connect_timeout) as patience:
                identity = Identity(client_id, will, options.username, options.secret(self._context.folder))
                connection = MqttConnection(await self._dial(), identity, options, clean, self._receive)
                self._open = connection
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(connection.run)
                    if await connection.answered():
                        again, forgotten = self._dispatch.ask_again(connection.session_present)
                        self._accepted = connection
                        connection.unsubscribe(forgotten)
                        self._report(await connection.subscribe(again))
                        if connection.ended is None:
                            patience.deadline = float("inf")
                            self._serve(connection)
        except trio.TooSlowError:
            raise NotConnectedError(f"{options.where()}: no answer within {options.connect_timeout:g} s") from None
        finally:
            self._lose()
        return connection

    async def _dial(self) -> socket.socket:
        options, folder = self._options, self._context.folder
        tls = client_context(options, folder) if options.tls else None
        host, port = options.address()
        sock = await dial(host, port)
        if tls is None:
            return sock
        try:
            return await encrypted(sock, tls, host)
        except OSError as e:
            raise NotConnectedError(f"{options.where()}: {network_reason(e)}") from None

    def _serve(self, connection: MqttConnection) -> None:
        connection.served_since = trio.current_time()
        self._connection = connection
        self._links += 1
        self._link = Link(self._links)
        self.trouble = None
        self._said = ""
        self._linked.set()
        log.info("connected to the broker", broker=self._options.where(), session_kept=connection.session_present)

    def _lose(self) -> None:
        self._open = self._accepted = self._connection = None
        if self._link is not None:
            self._link.lost.set()
            self._link = None

    def _troubled(self, why: str) -> None:
        if why != self._said:
            self._said = why
            log.warning("not connected to the broker", reason=why)
        self.trouble = why

    def _report(self, refused: dict[str, str]) -> None:
        for pattern, why in refused.items():
            log.warning("the broker refused a subscription", filter=pattern, reason=why)

    # ---- messages

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        qos: Qos = 0,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        done: Done | None = None,
    ) -> None:
        connection = self._connection
        if connection is None or connection.ended is not None:
            for t in (topic, response_topic):
                if t is not None and not valid_topic(t):
                    raise ValueError(f"{t[:100]!r} is not a topic")
            raise NotConnectedError(self.trouble or "there is no connection to the broker")
        connection.outgoing.put(topic, payload, retain, qos, response_topic, correlation, done)
        connection.wake()

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        qos: Qos = 0,
        response_topic: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        fate = _Fate()
        while True:
            connection = self._connection
            try:
                self.send(
                    topic,
                    payload,
                    retain=retain,
                    qos=qos,
                    response_topic=response_topic,
                    correlation=correlation,
                    done=fate.told,
                )
            except QueueFullError:
                assert connection is not None
                await connection.room()
            else:
                break
        await fate.known.wait()
        if fate.error is not None:
            raise fate.error

    @asynccontextmanager
    async def subscribe(self, *filters: str, bound: int = 1024) -> AsyncIterator[MqttSubscription]:
        for f in filters:
            if not valid_filter(f):
                raise ValueError(f"{f[:100]!r} is not a topic filter")
        subscription = MqttSubscription(filters, bound)
        self._dispatch.add(subscription)
        try:
            if (connection := self._accepted) is not None:
                refused = await connection.subscribe(self._dispatch.ask(subscription))
                for pattern, why in refused.items():
                    raise UndeliverableError(f"the broker refused the subscription to {pattern!r}: {why}")
            yield subscription
        finally:
            gone = self._dispatch.remove(subscription)
            if (connection := self._accepted) is not None:
                self._dispatch.unsubscribed(gone)
                connection.unsubscribe(gone)

    def _receive(self, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self._context.report.malformed(self._options.where(), "mqtt", "a topic that is not UTF-8")
            return
        if message.retain and topic == self._will_topic and self._open is not None:
            self._open.will_topic_retained = True
        said = message.properties
        self._dispatch.deliver(
            TopicMessage(
                topic,
                bytes(message.payload),
                message.retain,
                getattr(said, "ResponseTopic", None),
                getattr(said, "CorrelationData", None),
            ),
            getattr(said, "SubscriptionIdentifier", ()),
        )


@define(eq=False)
class _Fate:
    """What became of one message."""

    known: trio.Event = field(factory=trio.Event)
    error: TransportError | None = None

    def told(self, error: TransportError | None) -> None:
        self.error = error
        self.known.set()


@asynccontextmanager
async def open_topics(options: MqttTopicsOptions, context: Context) -> AsyncIterator[MqttTopics]:
    """A bus that is not connected yet."""
    yield MqttTopics(options, context)
