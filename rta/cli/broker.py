"""A command's connection to nodes: a consumer on their broker."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

import structlog
import trio
from attrs import frozen
from structlog.typing import EventDict

from rta.cli.broker_access import BrokerAccess
from rta.cli.faults import Faults
from rta.consumer import Consumer, open_bus, open_consumer
from rta.errors import RtaError, TransportError, first_error
from rta.ports import TopicBus
from rta.rsmp.topics import NodeTopics, TopicKind

__all__ = ["ConnectedConsumer", "ask_over_broker", "connect_consumer"]

T = TypeVar("T")

_PATIENCE = 10.0  # seconds for the first connection
_FORGETTING = 2.0  # seconds to remove a made-up id from the broker


@frozen
class ConnectedConsumer:
    """A consumer that is connected to its broker."""

    consumer: Consumer
    bus: TopicBus
    """The connection of the consumer."""
    faults: Faults


@asynccontextmanager
async def connect_consumer(access: BrokerAccess, patience: float = _PATIENCE) -> AsyncIterator[ConnectedConsumer]:
    """Connect; a connection that is lost is made again. `patience`: seconds for the first one.

    :raises NotConnectedError: there is no connection in that time.
    """
    faults = Faults()
    with _quiet():
        async with open_bus(access.transport, access.options, folder=access.folder, report=faults) as bus:
            known = False
            try:
                async with open_consumer(bus, access.consumer, report=faults) as consumer:
                    await consumer.connected(patience)
                    known = True
                    yield ConnectedConsumer(consumer, bus, faults)
            finally:
                if known and access.made_up:
                    await _forget(bus, access.consumer)


async def _forget(bus: TopicBus, consumer: str) -> None:
    """Remove the presence from the broker: nobody will have this id again."""
    with suppress(TransportError), trio.move_on_after(_FORGETTING, shield=True):
        async with bus.connect(consumer):
            await bus.link()
            await bus.publish(NodeTopics(consumer).topic(TopicKind.PRESENCE), b"", retain=True, qos=1)


def ask_over_broker(access: BrokerAccess, question: Callable[[ConnectedConsumer], Awaitable[T]]) -> T:
    """Connect, and return the answer to a question. Ctrl-C ends the process with 130.

    :raises RtaError: there is no connection, or no answer.
    """
    answers: list[T] = []
    error: RtaError | None = None
    interrupted = False

    async def main() -> None:
        async with connect_consumer(access) as connected:
            answers.append(await question(connected))

    try:
        trio.run(main, restrict_keyboard_interrupt_to_checkpoints=True)
    except* KeyboardInterrupt:
        interrupted = True
    except* RtaError as group:
        error = first_error(group)
    if interrupted:
        sys.exit(128 + signal.SIGINT)
    if error is not None:
        raise error
    return answers[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the log quiet: the command itself says what happens to the connection."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(logger: Any, method: str, event: EventDict) -> EventDict:
    raise structlog.DropEvent
