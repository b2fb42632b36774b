"""A site: the transports it has opened and the actors that run on them, in one nursery.

Start reading here. `Site.run` is the whole life of the service: open, start, wait, stop in order.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

import structlog
import trio
from attrs import evolve, frozen

from rta import __version__
from rta.actors.archive_upkeep import ArchiveUpkeep
from rta.actors.audit import Audit
from rta.actors.edge import EdgeActor
from rta.actors.hub import SessionHub
from rta.actors.ingest import IngestActor
from rta.actors.node_supervisor import NodeSettings, NodeSupervisor, NodeSurroundings
from rta.actors.pruner import Pruner
from rta.actors.recorder import Recorder
from rta.actors.sampler import Sampler
from rta.actors.session_sampler import SamplingContext
from rta.auth import SignIn
from rta.config import Config, SourceConfig, transport_context
from rta.config.exposure import exposure
from rta.configured_command import forwarding_command
from rta.errors import ArchiveError, TransportError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.node.node_stream import Initiator, Now
from rta.ports import Archive, BurstLog, Context, Edge, Offer, Source, TopicBus, load_transport
from rta.ports.alarm import load_alarms
from rta.ports.command import load_commands
from rta.rest import make_app
from rta.rest.deletion import NoteDeletion
from rta.rest.unopened_archive import UnopenedArchive
from rta.site_http import ArchiveElsewhere, archive_elsewhere, http_service, worker_app
from rta.site_sign_in import start_sign_in
from rta.wire.values import Ns
from rta.workers import Membership

__all__ = ["Site"]

log = structlog.get_logger("rta.site")

P = TypeVar("P")

_GOODBYE = 6.0  # seconds for the node to take leave of its bus, and to commit its history
_FIRST_SAMPLE = 2.0  # seconds that sources wait for the node to begin, which may wait for its history
_CATCH_UP = 1.0  # seconds for the readers to hand out the last entries at shutdown
_RECORDED = 5.0  # seconds for the recorder to record them


@frozen
class _Opened:
    """The transports of a running site."""

    buffer: BurstLog
    topics: TopicBus
    edge: Edge
    archive: Archive | None
    """None: there is none, or not in this process, or it has no place."""
    sources: dict[str, Source]


class Site:
    """One configured service."""

    def __init__(
        self, config: Config, clock: Callable[[], int] = time.time_ns, membership: Membership | None = None
    ) -> None:
        """`clock`: wall time, ns since the Unix epoch. `membership`: of the workers of one service, which are we."""
        self.config = config
        self.health = Health()
        if (exposed := exposure(config.edge.transport, config.edge.options, config.auth)) is not None:
            self.health.lack("edge.host", exposed)
        self.counters = HotCounters()
        self.reporter = Metrics(self.counters, self._live)
        self._clock = clock
        self._membership = membership
        self._stop = trio.Event()
        self._hub: SessionHub | None = None
        self._edge: EdgeActor | None = None
        self._node: NodeSupervisor | None = None
        self._recorder: Recorder | None = None
        self._elsewhere: ArchiveElsewhere | None = None
        self._sign_in: SignIn | None = None
        self._unopened: str | None = None
        """Why the archive could not be opened."""
        self._sampling = trio.CancelScope()
        self._sampled = trio.Event()

    def stop(self) -> None:
        """Ask `run` to come to an orderly end."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to."""
        return self._stop.is_set()

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Until `stop`; started with the edge's base URL.

        :raises RtaError: something of the configuration cannot be opened.
        """
        async with self._open() as opened, trio.open_nursery() as nursery:
            sign_in = self._sign_in = await start_sign_in(
                nursery, self.config, opened.buffer, self.health, self.reporter, self._clock, self._membership
            )
            elsewhere = self._elsewhere = archive_elsewhere(self.config, self.health, self._membership)
            late = opened.archive if elsewhere is None else elsewhere.entries
            hub = self._hub = SessionHub(opened.buffer, self.config.fanout, self.health, self.counters, late)
            edge = self._edge = EdgeActor(
                hub,
                self.reporter,
                opened.edge.ping_interval,
                opened.edge.stall_timeout,
                self._clock,
                sign_in,
            )
            await nursery.start(hub.run)
            nursery.start_soon(edge.keeper.run)
            if self._primary:
                nursery.start_soon(Pruner(opened.buffer, self.config.pruner, self.reporter).run)
            if opened.archive is not None:
                self._keep_archive(nursery, opened.archive, opened.buffer)
            if elsewhere is not None:
                nursery.start_soon(elsewhere.requests.watch)
            if self._primary and self._has_node:
                nursery.start_soon(self._run_node, self._make_node(opened), opened, hub)
            shown = http_service(self.config, opened.buffer, self.health, self.reporter, self._node, opened.sources)
            archive = opened.archive or (UnopenedArchive(self._unopened) if self._unopened is not None else None)
            shown = evolve(
                shown,
                archive=archive,
                elsewhere=None if elsewhere is None else elsewhere.requests,
                sign_in=sign_in,
                clock=self._clock,
                note_deletion=None if archive is None else self._keep_deletions(nursery),
            )
            member, port = self._membership, None
            app = make_app(shown)
            if member is not None:
                asks = self._has_node or bool(self.config.sources)
                app, port = await worker_app(nursery, shown, member, asks), member.port
            url = await nursery.start(
                partial(opened.edge.serve, edge.serve, app, gate=sign_in.admit_stream, shared_port=port)
            )
            async with trio.open_nursery() as sources:
                sources.start_soon(self._run_sources, opened)
                log.info("ready", url=url, version=__version__, sources=sorted(opened.sources))
                task_status.started(url)
                await self._stop.wait()
                log.info("stopping")
                opened.edge.drain()
                # Sources end first: they close their sessions as truncated, and clients are still to hear of it.
                sources.cancel_scope.cancel()
            if self._node is not None:
                self._sampling.cancel()  # it must not send to a node that has ended
                self._node.stop()
            # A buffer that cannot be read any more must not keep the clients from being told.
            with trio.move_on_after(_CATCH_UP), suppress(TransportError):
                await hub.caught_up()
            async with trio.open_nursery() as ending:
                if self._recorder is not None:
                    ending.start_soon(self._recorder.finish, _RECORDED)
                await edge.shut_down(self.config.site.grace)
            if self._node is not None:
                with trio.move_on_after(_GOODBYE):
                    await self._node.ended()
            nursery.cancel_scope.cancel()
        log.info("stopped")

    async def _run_sources(self, opened: _Opened) -> None:
        if self._node is not None:  # whose streams are to have the first samples too
            with trio.move_on_after(_FIRST_SAMPLE):
                await self._sampled.wait()
        async with trio.open_nursery() as nursery:
            for actor in self._ingest(opened):
                nursery.start_soon(actor.run)
        if opened.sources:
            log.info("all sources have ended; the service goes on with what is in the buffer")

    def _keep_archive(self, nursery: trio.Nursery, archive: Archive, buffer: BurstLog) -> None:
        config = self.config.archive
        assert config is not None, "an archive is configured"
        nursery.start_soon(ArchiveUpkeep(archive, config.limits, self._clock, self.health, self.reporter).run)
        if config.settings.record:
            self._recorder = Recorder(archive, buffer, config.details, self.health, self.reporter)
            nursery.start_soon(self._recorder.run)

    def _keep_deletions(self, nursery: trio.Nursery) -> NoteDeletion:
        """In the audit file, which is the node's where there is one."""
        audit = None if self._node is None else self._node.audit
        if audit is None:
            audit = Audit(self.config.state_dir, self.reporter, self.health)
            nursery.start_soon(audit.run)

        def note(by: Initiator, outcome: str, identity: str) -> None:
            audit.note(Now(Ns(self._clock()), trio.current_time()), "delete", by, outcome, session=identity)

        return note

    def _make_node(self, opened: _Opened) -> NodeSupervisor:
        config = self.config
        node = NodeSupervisor(
            NodeSettings(config.site.node, config.site.zone, config.state_dir, config.site.administration),
            NodeSurroundings(opened.topics, self.health, self.reporter, self.counters, self._clock),
        )
        commands = [*load_commands(), *[forwarding_command(c, opened.topics) for c in config.commands]]
        node.configure([(s.definition, s.streams) for s in config.statuses], commands, config.alarms, load_alarms())
        self._node = node
        return node

    async def _run_node(self, node: NodeSupervisor, opened: _Opened, hub: SessionHub) -> None:
        """Streams over topics: the sampler follows sessions for the node. Clients do not wait for it to begin."""
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run)
            self._sampled.set()
            context = SamplingContext(
                opened.buffer, opened.topics, self.health, self.reporter, self._clock, self.config.json.configuration
            )
            statuses = [*(s.binding for s in self.config.statuses), *(a.binding for a in self.config.alarms)]
            await self._sample(Sampler(context, hub, statuses, node.inbox))

    async def _sample(self, sampler: Sampler) -> None:
        with self._sampling:
            await sampler.run()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[_Opened]:
        config = self.config
        async with AsyncExitStack() as stack:

            async def enter(offer: Offer[P] | None, options: object, name: str) -> P:
                assert offer is not None, f"{name}: the configuration was not checked"
                return await stack.enter_async_context(offer.open(options, self.context(name)))

            yield _Opened(
                buffer=await enter(load_transport(config.buffer.transport).log, config.buffer.options, "buffer"),
                topics=await enter(load_transport(config.topics.transport).topics, config.topics.options, "topics"),
                edge=await enter(load_transport(config.edge.transport).edge, config.edge.options, "edge"),
                archive=await self._open_archive(stack),
                sources={
                    s.name: await enter(load_transport(s.transport).source, s.options, s.name) for s in self._sources
                },
            )

    async def _open_archive(self, stack: AsyncExitStack) -> Archive | None:
        archive = self.config.archive
        if archive is None or not archive.here or not self._primary:
            return None
        offer = load_transport(archive.settings.transport).archive
        assert offer is not None, "archive: the configuration was not checked"
        try:
            return await stack.enter_async_context(offer.open(archive.options, self.context("archive")))
        except ArchiveError as e:
            log.error("nothing is being recorded; live goes on", why=str(e))
            self.health.fail("archive", f"nothing is being recorded: {e}")
            self._unopened = str(e)
            return None

    def context(self, name: str) -> Context:
        """What a transport is opened with."""
        note, warn = partial(self.health.note, name), partial(self._warn, name)
        return transport_context(self.config, name, self._clock, self.reporter, note, warn)

    def _warn(self, name: str, about: str, what: str | None) -> None:
        if what is None:
            self.health.ok(f"{name}: {about}")
        else:
            self.health.lack(f"{name}: {about}", what)

    def _ingest(self, opened: _Opened) -> list[IngestActor]:
        return [
            IngestActor(
                s.name,
                s.stream,
                opened.sources[s.name],
                opened.buffer,
                self.health,
                self.reporter,
                self._clock,
            )
            for s in self._sources
        ]

    @property
    def _primary(self) -> bool:
        """Whether we do what only one of several workers is to do."""
        return self._membership is None or self._membership.primary

    @property
    def _has_node(self) -> bool:
        """Whether the service has one, in whichever worker."""
        return bool(self.config.statuses or self.config.commands or self.config.alarms)

    @property
    def _sources(self) -> list[SourceConfig]:
        return self.config.sources if self._primary else []

    def _live(self) -> dict[str, float]:
        feeds = self._hub.feeds if self._hub is not None else []
        streams, running = self._node.view.value.running if self._node is not None else (0, 0)
        alarms, active = self._node.alarms.count.value if self._node is not None else (0, 0)
        recorder = self._recorder
        return {
            "rta_archive_away": float(self._elsewhere is not None and self._elsewhere.requests.away),
            "rta_archive_streams": 0 if recorder is None else recorder.streams,
            "rta_archive_lag_seconds": 0.0 if recorder is None else recorder.lag,
            "rta_streams": streams,
            "rta_streams_running": running,
            "rta_alarms": alarms,
            "rta_alarms_active": active,
            "rta_sign_in_keys_age_seconds": 0.0 if self._sign_in is None else self._sign_in.keys_age,
            "rta_healthy": float(self.health.healthy),
            "rta_workers": 1.0,
            "rta_sessions_followed": len(feeds),
            "rta_clients": self._edge.clients if self._edge is not None else 0,
            "rta_views": sum(len(f.state.views) for f in feeds),
            "rta_clients_behind": sum(not c.live for f in feeds for c in f.state.clients),
            "rta_lag_seconds": max((f.lag for f in feeds), default=0.0),
            "rta_ring_bytes": sum(f.held for f in feeds),
        }
