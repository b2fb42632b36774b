"""What a site serves over HTTP beside live sessions, whether it is one process or one of several workers."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import trio
from attrs import evolve, frozen

from rta.actors.initiated_streams import InitiatedStreams
from rta.actors.node_supervisor import NodeSupervisor
from rta.actors.recorder_roster import read_said
from rta.config import Config
from rta.config.archive import ArchiveKeys
from rta.errors import MalformedError
from rta.health import Health
from rta.http_peer import HttpPeer
from rta.large_json import read_large
from rta.metrics import Metrics
from rta.ports import AsgiApp, BurstLog, FollowedNode, NodeFollower, SessionRecord, Source, load_transport
from rta.rest import Service, make_app
from rta.rest.elsewhere import Elsewhere
from rta.rest.peer_access import PeerAccess, ServiceAccess
from rta.rest.remote_entries import RemoteEntries
from rta.rest.turns import AnswerTurns
from rta.sampling.selection import has_details
from rta.workers import ForwardingApp, Membership, MetricsExchange, serve_locally
from rta.workers.local_http import WorkerAccess, local_peer

__all__ = ["ArchiveElsewhere", "archive_elsewhere", "http_service", "recorded_sessions", "worker_app"]


@frozen
class ArchiveElsewhere:
    """The archive of another process."""

    requests: Elsewhere
    """Who answers requests about recorded sessions."""
    entries: RemoteEntries
    """What late clients are served from."""


def archive_elsewhere(config: Config, health: Health, member: Membership | None) -> ArchiveElsewhere | None:
    """Which other process has the archive: another service, or worker 0 of ours; None: there is none, or it is here.

    :raises RtaError: our token for another service cannot be read.
    """
    archive = config.archive
    if archive is None:
        return None
    name = f"rta-{secrets.token_hex(8)}" if member is None else member.folder.name
    if archive.url is not None:
        peer = HttpPeer.at_url(archive.url)
        access: PeerAccess = _service_access(config, archive.settings)
        requests = Elsewhere(peer, name, health, AnswerTurns(), access)
    elif archive.here and member is not None and not member.primary:
        peer = local_peer(member.socket_of(0))
        access = WorkerAccess()
        requests = Elsewhere(peer, name, health, access=access)
    else:
        return None
    return ArchiveElsewhere(requests, RemoteEntries(peer, requests.via, access))


def _service_access(config: Config, settings: ArchiveKeys) -> ServiceAccess:
    file = settings.token_file
    return ServiceAccess.of(settings.token, None if file is None else config.folder / file)


def http_service(
    config: Config,
    buffer: BurstLog,
    health: Health,
    metrics: Metrics,
    node: NodeSupervisor | None,
    sources: Mapping[str, Source],
) -> Service:
    """What this process shows. `node`: None where the site has none, or where another worker has it. `sources`: those
    that run here, by name."""

    def nodes() -> list[tuple[str, FollowedNode]]:
        followers = {name: source for name, source in sources.items() if isinstance(source, NodeFollower)}
        return [(name, found) for name in sorted(followers) for found in followers[name].followed()]

    async def render() -> bytes:
        return metrics.render()

    edge = load_transport(config.edge.transport).edge
    service = Service(
        label=config.site.label,
        description=config.site.description,
        timezone=config.site.timezone,
        host=edge.address(config.edge.options)[0] if edge is not None and edge.address is not None else "",
        buffer=buffer,
        health=health,
        metrics=render,
        clocks=config.fanout.clocks,
        report=metrics,
        records=recorded_sessions(config),
        nodes=nodes,
    )
    if node is None:
        return service
    return evolve(service, streams=partial(InitiatedStreams, node.streams), alarms=node.alarms.listed)


def recorded_sessions(config: Config) -> Callable[[SessionRecord], Awaitable[bool]]:
    """Tells which sessions of the buffer are going to be recorded, if they are not yet."""
    archive = config.archive

    async def is_one(record: SessionRecord) -> bool:
        if archive is None or not archive.settings.record:
            return False
        if not archive.details:
            return True
        try:
            return has_details((await read_large(read_said, record.json or "")).details, archive.details)
        except MalformedError:
            return False

    return is_one


async def worker_app(nursery: trio.Nursery, service: Service, member: Membership, asks: bool) -> AsgiApp:
    """What one of several workers serves. From now on it serves the other workers in the nursery.

    `asks`: whether worker 0 has what the others have not, a node or sources.
    """
    await nursery.start(serve_locally, member.socket_of(member.index), make_app(service))
    node = ForwardingApp(member) if asks and not member.primary else None
    return make_app(evolve(service, metrics=MetricsExchange(member, service.metrics).gather), node)
