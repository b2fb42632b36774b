"""Whatever is opened comes to an end wherever in its life it is cancelled."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
from cancelling import cancel_at_every_step
from real_servers import Mosquitto, RedisServer, held_port
from rta_transports.memory import MemoryTopics
from rta_transports.memory.log import MemoryLogOptions
from rta_transports.memory.log import open_log as open_memory_log
from rta_transports.memory.topics import MemoryTopicsOptions
from rta_transports.memory.topics import open_topics as open_memory_topics
from rta_transports.mqtt.options import MqttTopicsOptions
from rta_transports.mqtt.source import open_source as open_nodes
from rta_transports.mqtt.source_options import MqttSourceOptions
from rta_transports.redis.log import open_log as open_redis_log
from rta_transports.redis.options import RedisLogOptions
from rta_transports.sqlite.archive import open_archive
from rta_transports.sqlite.options import SqliteArchiveOptions

from rta.actors.history_file import open_history
from rta.cli.broker import connect_consumer
from rta.cli.broker_access import BrokerAccess
from rta.client import RestClient, open_live_stream
from rta.client.data import open_data
from rta.config import load_config
from rta.consumer import open_bus, open_consumer
from rta.consumer.counts import Counts
from rta.errors import ArchiveError
from rta.export.rest_source import RestData
from rta.export.source import ArchivedData
from rta.export.stored_source import StoredData
from rta.http_peer import HttpPeer
from rta.ports import START, Context, DataKind, DataRange, TopicBus, Will
from rta.rest.turns import AnswerTurns
from rta.rest.unopened_archive import UnopenedArchive
from rta.rsmp.payload import encode
from rta.rsmp.presence import ONLINE
from rta.signals import guard_signals
from rta.site import Site
from rta.testing.archive_under_test import portion
from rta.testing.bursts import numbered_burst
from rta.wire.chunks import make_chunk
from rta.writer import Writer, open_writer, write_to

ROOT = Path(__file__).parents[1]
CONTEXT = Context("tests", ROOT, time.time_ns, Counts())
NODE = "dk/cph/tlc-1"
SESSION = 1_700_000_000_000_000_000

T = TypeVar("T", bound=Callable[..., object])
COVERED: set[str] = set()


def covers(*names: str) -> Callable[[T], T]:
    """Say which context managers a test cancels."""
    COVERED.update(names)
    return lambda test: test


# ---- writing


async def write_something(writer: Writer, identity: str) -> None:
    async with await writer.open_session(identity=identity) as session:
        await session.write(1, [SESSION], [1.0])
        await session.flush()


@covers("rta.writer.opening.open_writer", "memory.log.open_log")
async def test_a_writer(autojump_clock):
    async def write():
        async with open_writer(transport="memory", stream="s") as writer:
            await write_something(writer, "s-1")

    assert await cancel_at_every_step(write) > 5


async def test_a_writer_that_is_cancelled_from_the_start_does_not_begin():
    with trio.CancelScope() as scope:
        scope.cancel()
        async with open_writer(transport="memory", stream="s"):
            pytest.fail("nothing was to be written")
    assert scope.cancelled_caught


@covers("rta.writer.opening.write_to", "memory.log.MemoryLog.follow")
async def test_a_writer_to_a_log_that_is_open_and_its_reader(autojump_clock):
    async def write():
        async with open_memory_log(MemoryLogOptions(), CONTEXT) as log, write_to(log, "s") as writer:
            await write_something(writer, "s-1")
            async with log.follow("s", START) as tail:
                await tail.next()

    assert await cancel_at_every_step(write) > 5


@covers("redis.log.open_log", "redis.xread.XReadMultiplexer.follow")
async def test_a_writer_on_redis_and_a_reader(redis_server: RedisServer):
    numbers = count()

    async def write():
        identity = f"s-{next(numbers)}"
        async with open_redis_log(RedisLogOptions(url=redis_server.url), CONTEXT) as log:
            async with write_to(log, "s") as writer:
                await write_something(writer, identity)
            async with log.follow("s", START) as tail:
                await tail.next()

    assert await cancel_at_every_step(write) > 20


# ---- topics


async def use_bus(bus: TopicBus) -> None:
    async with bus.connect("tests/bus", Will("tests/presence", b"gone")), bus.subscribe("tests/#") as subscription:
        await bus.link()
        await bus.publish("tests/one", b"1", qos=1)
        await subscription.receive()


@covers("memory.topics.open_topics", "memory.topics.MemoryTopics.connect", "memory.topics.MemoryTopics.subscribe")
async def test_a_bus_in_memory():
    async def use():
        async with open_memory_topics(MemoryTopicsOptions(), CONTEXT) as bus:
            await use_bus(bus)

    assert await cancel_at_every_step(use) > 1


@covers(
    "rta.consumer.bus.open_bus", "mqtt.bus.open_topics", "mqtt.bus.MqttTopics.connect", "mqtt.bus.MqttTopics.subscribe"
)
async def test_a_bus_over_mqtt(mosquitto: Mosquitto):
    async def use():
        async with open_bus(host="127.0.0.1", port=mosquitto.port) as bus:
            await use_bus(bus)

    assert await cancel_at_every_step(use) > 20


async def test_a_bus_whose_broker_is_not_there():
    async def use():
        async with open_bus(host="127.0.0.1", port=port) as bus, bus.connect("tests/bus"):
            with trio.move_on_after(0.1):
                await bus.link()

    with held_port() as port:
        assert await cancel_at_every_step(use) > 5


# ---- consumers


async def use_consumer(bus: TopicBus) -> None:
    async with open_consumer(bus, "tests/consumer") as consumer, consumer.watch("dk/cph/+") as watch:
        await consumer.link()
        await bus.publish(f"{NODE}/presence", encode(ONLINE), retain=True)
        await watch.receive()
        async with consumer.fetch(NODE, "car.engine", "live"):
            await consumer.stop(NODE, "car.engine", "live")


@covers(
    "rta.consumer.consumer.open_consumer",
    "rta.consumer.consumer.Consumer.watch",
    "rta.consumer.consumer.Consumer.fetch",
)
async def test_a_consumer(autojump_clock):
    async def use():
        bus = MemoryTopics()
        await use_consumer(bus)

    assert await cancel_at_every_step(use) > 20


async def test_a_consumer_that_has_started_a_stream(autojump_clock):
    async def use():
        async with open_consumer(MemoryTopics(), "tests/consumer") as consumer:
            await consumer.start(NODE, "car.engine", "live")

    assert await cancel_at_every_step(use) > 20


async def test_a_consumer_over_mqtt(mosquitto: Mosquitto):
    async def use():
        async with open_bus(host="127.0.0.1", port=mosquitto.port) as bus:
            await use_consumer(bus)

    assert await cancel_at_every_step(use) > 50


async def test_the_consumer_of_a_command_that_forgets_its_id(mosquitto: Mosquitto, tmp_path):
    access = BrokerAccess("mqtt", MqttTopicsOptions(port=mosquitto.port), tmp_path, "tests/made-up", made_up=True)

    async def use():
        async with connect_consumer(access):
            pass

    assert await cancel_at_every_step(use) > 20


@covers("mqtt.source.open_source", "mqtt.source.listen_to")
async def test_a_source_of_nodes(mosquitto: Mosquitto):
    async def listen():
        options = MqttSourceOptions(port=mosquitto.port, nodes=["tests/none"], consumer="tests/source")
        async with open_nodes(options, CONTEXT) as source:
            send, _ = trio.open_memory_channel[Any](16)
            with trio.move_on_after(0.01):
                await source.run(send)

    assert await cancel_at_every_step(listen) > 20


# ---- processes, signals, the service and its client


@pytest.mark.processes
@covers("rta.store.worker.in_a_process")
async def test_a_history_in_a_process(tmp_path):
    async def use():
        async with open_history(tmp_path / "h.sqlite"):
            pass

    assert await cancel_at_every_step(use) > 5


@covers("rta.signals.guard_signals", "rta.background.in_background", "rta.background.started_in_background")
async def test_a_guard_of_signals():
    async def guard():
        async with guard_signals(lambda number: None):
            await trio.lowlevel.checkpoint()

    assert await cancel_at_every_step(guard) > 2


@pytest.fixture
def demo():
    """The built-in site, on a free port."""
    return load_config(None, {"RTA_EDGE__PORT": "0"})


@covers("websocket.listener.open_edge", "csv.source.open_source")
async def test_a_service(demo):
    async def serve():
        site = Site(demo)
        async with trio.open_nursery() as nursery:
            await nursery.start(site.run)
            site.stop()

    assert await cancel_at_every_step(serve) > 50


@covers("rta.client.stream.open_live_stream")
async def test_a_client(demo):
    site = Site(demo)
    async with trio.open_nursery() as nursery:
        url = await nursery.start(site.run)

        async def follow():
            async with open_live_stream(url, "nobody"):
                pass

        await cancel_at_every_step(follow)
        site.stop()


# ---- recorded data


@pytest.mark.processes
@covers("sqlite.archive.open_archive", "sqlite.archive.SqliteArchive.read")
async def test_an_archive_and_a_reading(tmp_path):
    options = SqliteArchiveOptions(path=str(tmp_path / "archive"))

    async def use():
        async with open_archive(options, CONTEXT) as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            async with archive.read("a", DataRange(DataKind.TIMESTAMPED)) as reader:
                while await reader.next():
                    pass

    assert await cancel_at_every_step(use) > 10


@asynccontextmanager
async def empty_answers():
    """The URL of a server that answers whatever it is asked, with nothing."""

    async def answer(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


@covers("rta.client.data.open_data", "rta.export.rest_source.RestData.read", "rta.http_peer.HttpPeer.request")
async def test_questions_for_recorded_data():
    async with empty_answers() as url:

        async def ask():
            async with open_data(url, "a", DataKind.TIMESTAMPED) as answer:
                await answer.next()
            async with RestData(RestClient(url)).read("a", DataRange(DataKind.TIMESTAMPED)) as reader:
                await reader.next()
            async with HttpPeer.at_url(url).request("GET", b"/") as answered:
                await answered.next()

        assert await cancel_at_every_step(ask) > 10


class OneChunk:
    """An archive on disk."""

    def chunks(self, identity, wanted):
        yield make_chunk(DataKind.TIMESTAMPED, (1,), 0, 0, [])


@covers(
    "rta.export.source.ArchivedData.read",
    "rta.export.stored_source.StoredData.read",
    "rta.rest.unopened_archive.UnopenedArchive.read",
    "rta.rest.turns.AnswerTurns.turn",
)
async def test_readings_without_a_service_and_turns():
    turns = AnswerTurns(of_one=1)

    async def read():
        async with turns.turn("127.0.0.1"):
            async with StoredData(OneChunk()).read("a", DataRange(DataKind.TIMESTAMPED)) as reader:
                await reader.next()
            with pytest.raises(ArchiveError):
                async with ArchivedData(UnopenedArchive("it is away")).read("a", DataRange(DataKind.TIMESTAMPED)):
                    pass

    assert await cancel_at_every_step(read) > 2


# ---- nothing is left out


def context_managers(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        for scope, body in _bodies(ast.parse(path.read_text(encoding="utf-8"))):
            for node in body:
                decorators = [ast.unparse(d) for d in getattr(node, "decorator_list", [])]
                if isinstance(node, ast.AsyncFunctionDef) and "asynccontextmanager" in decorators:
                    yield ".".join(filter(None, (module, scope, node.name)))


def _bodies(tree: ast.Module) -> Iterator[tuple[str, list[ast.stmt]]]:
    yield "", tree.body
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name, node.body


def test_every_public_context_manager_is_among_them():
    ours = [name for name in context_managers(ROOT / "rta") if not name.startswith(("rta.cli.", "rta.testing."))]
    transports = [name.partition(".")[2] for name in context_managers(ROOT / "transports" / "rta_transports")]
    public = {name for name in ours + transports if not name.rpartition(".")[2].startswith("_")}
    assert public == COVERED, "cancel it at every step above, and name it in `covers`"
