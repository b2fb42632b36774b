"""A real site on a free port, with the memory log and a source that the test plays."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve
from rta_transports.memory import MemoryLogOptions, MemoryTopicsOptions
from rta_transports.memory import log as memory
from rta_transports.redis import RedisLogOptions
from rta_transports.redis import log as redis
from rta_transports.sqlite import SqliteArchiveOptions
from rta_transports.websocket import EdgeOptions

import rta.site
from rta.config.archive import ArchiveConfig, ArchiveKeys
from rta.config.model import Config, LoggingSettings, Plugged, SiteSettings, SourceConfig
from rta.ports import (
    BurstLog,
    CloseSession,
    Context,
    Edge,
    Gate,
    Offer,
    OpenSession,
    Publish,
    SessionBurst,
    SourceUpdate,
    Transport,
    UpdateSession,
    load_transport,
)
from rta.session.options import FanOutSettings, PrunerSettings
from rta.site import Site
from rta.testing.patience import until
from rta.wire import Burst
from rta.wire._pb.stream_pb2 import StreamData

from .clients import PATIENCE
from .telemetry import burst, session_json

Serve = Callable[..., AbstractAsyncContextManager["Service"]]


class PlayedSource:
    """Reports what the test says."""

    def __init__(self) -> None:
        self.say, self._said = trio.open_memory_channel[SourceUpdate](0)

    async def run(self, updates: trio.MemorySendChannel[SourceUpdate]) -> None:
        async for update in self._said:
            await updates.send(update)


@define(eq=False)
class Service:
    """A running site, from the outside and from behind."""

    site: Site
    source: PlayedSource
    log: BurstLog
    port: int
    returned: trio.Event
    """`run` is over."""
    faults: int = 0
    """How many faults of connections the test means to cause."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def metric(self, name: str, **labels: str) -> float:
        return self.site.reporter.registry.get_sample_value(name, labels) or 0.0

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        await until(condition, PATIENCE, what)

    async def until_metric(self, at_least: float, name: str, **labels: str) -> None:
        await self.until(lambda: self.metric(name, **labels) >= at_least, f"{name} of {at_least}")

    async def until_connections(self, number: int) -> None:
        await self.until(lambda: self.metric("rta_connections") == number, f"{number} connections")

    async def elapsed(self, seconds: float) -> None:
        """Wait for time to pass, where it is the subject."""
        end = trio.current_time() + seconds
        await self.until(lambda: trio.current_time() > end, f"{seconds} s to pass")

    # ---- the source's side; when a call returns, the log has it

    async def open(self, identity: str, json: str | None = None) -> str:
        json = session_json(identity) if json is None else json
        await self._say(OpenSession(identity, json))
        return json

    async def update(self, identity: str, json: str) -> None:
        await self._say(UpdateSession(identity, json))

    async def close(self, identity: str, json: str | None = None) -> None:
        await self._say(CloseSession(identity, session_json(identity, "closed") if json is None else json))

    async def send(self, identity: str, *items: StreamData) -> Burst:
        sent = burst(*items)
        await self._say(SessionBurst(identity, sent))
        return sent

    async def send_many(self, identity: str, bursts: list[Burst]) -> None:
        for each in bursts[:-1]:
            await self.source.say.send(SessionBurst(identity, each))
        await self._say(SessionBurst(identity, bursts[-1]))

    async def publish(self, identifier: str, text: str) -> None:
        await self._say(Publish(identifier, text))

    async def _say(self, update: SourceUpdate) -> None:
        # Updates are taken one by one: when a mark that was published behind one is there, so is that.
        mark = f"mark {next(_MARKS)}"
        with trio.fail_after(PATIENCE):
            await self.source.say.send(update)
            await self.source.say.send(Publish(mark, ""))
            while await self.log.configuration(mark) is None:
                await trio.sleep(0.001)


_MARKS = count()


_ON_REDIS_TOO = {"test_streaming", "test_closing", "test_shutdown"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What clients see must not depend on where the bursts are."""
    if "buffer_kind" in metafunc.fixturenames:
        too = metafunc.module.__name__.rpartition(".")[2] in _ON_REDIS_TOO
        on_redis = pytest.param("redis", marks=pytest.mark.processes)
        metafunc.parametrize("buffer_kind", ["memory", on_redis] if too else ["memory"])


def guarded(offer: Offer[Edge], gate: Gate) -> Offer[Edge]:
    """An edge with a gate of the test's own."""

    @asynccontextmanager
    async def open_guarded(options: object, context: Context) -> AsyncIterator[Edge]:
        async with offer.open(options, context) as edge:
            serve = edge.serve

            async def serve_guarded(*arguments: Any, **more: Any) -> None:
                await serve(*arguments, **{**more, "gate": gate})

            edge.serve = serve_guarded  # type: ignore[method-assign]
            yield edge

    return Offer(offer.options, open_guarded)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, buffer_kind: str, request: pytest.FixtureRequest) -> Serve:
    """Start a site with options of its tables changed."""
    buffer_offer: Offer[BurstLog] = Offer(MemoryLogOptions, memory.open_log)
    buffer_options: RedisLogOptions | MemoryLogOptions = MemoryLogOptions()
    if buffer_kind == "redis":
        buffer_offer = Offer(RedisLogOptions, redis.open_log)
        buffer_options = RedisLogOptions(url=request.getfixturevalue("redis_server").url)
    monkeypatch.setattr("rta.actors.connection_keeper._ROUND", 0.02)

    @asynccontextmanager
    async def start(
        edge: dict[str, object] | None = None,
        fanout: dict[str, object] | None = None,
        log: dict[str, object] | None = None,
        grace: float = 1.0,
        redis_at: RedisLogOptions | None = None,
        gate: Gate | None = None,
        clock: Callable[[], int] = time.time_ns,
        archive: Path | None = None,
    ) -> AsyncIterator[Service]:
        kind, log_options = buffer_offer, buffer_options
        if redis_at is not None:
            kind, log_options = Offer(RedisLogOptions, redis.open_log), redis_at
        source = PlayedSource()
        logs: list[BurstLog] = []

        @asynccontextmanager
        async def open_source(options: object, context: Context) -> AsyncIterator[PlayedSource]:
            yield source

        @asynccontextmanager
        async def open_known_log(options: object, context: Context) -> AsyncIterator[BurstLog]:
            async with kind.open(options, context) as opened:
                logs.append(opened)
                yield opened

        def load(name: str) -> Transport:
            if name == "played":
                return Transport(source=Offer(object, open_source))
            found = load_transport(name)
            if gate is not None and found.edge is not None:
                return evolve(found, edge=guarded(found.edge, gate))
            return evolve(found, log=Offer(kind.options, open_known_log)) if found.log is not None else found

        monkeypatch.setattr(rta.site, "load_transport", load)
        edge_options = EdgeOptions(port=0, close_timeout=2.0)
        config = Config(
            SiteSettings("pit wall", "toys", grace),
            Plugged("memory", evolve(log_options, **(log or {}))),
            Plugged("memory", MemoryTopicsOptions()),
            Plugged("websocket", evolve(edge_options, **(edge or {}))),
            evolve(FanOutSettings(linger=0.1, poll=0.05), **(fanout or {})),
            PrunerSettings(),
            LoggingSettings(),
            [SourceConfig("played", "played", "live", None)],
            archive=None if archive is None else ArchiveConfig(ArchiveKeys(), SqliteArchiveOptions(str(archive))),
        )
        site = Site(config, clock)
        returned = trio.Event()

        async def run(task_status: trio.TaskStatus[str]) -> None:
            await site.run(task_status=task_status)
            returned.set()

        async with trio.open_nursery() as nursery:
            url = await nursery.start(run)
            service = Service(site, source, logs[0], int(url.rpartition(":")[2]), returned)
            yield service
            await service.until_metric(service.faults, "rta_connection_faults_total")
            assert service.metric("rta_connection_faults_total") == service.faults, "a connection's handler failed"
            site.stop()
            with trio.fail_after(PATIENCE):
                await returned.wait()

    return start


@pytest.fixture
async def service(serve: Serve) -> AsyncIterator[Service]:
    """A site with the options of the tests."""
    async with serve() as started:
        yield started
