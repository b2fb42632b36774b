"""What is told of the nodes that a source follows: the picture of its consumer, and which sessions are open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rta.consumer import RemoteNode, RemoteStream
from rta.ports import FollowedNode, FollowedStream, OpenGap
from rta.rsmp.presence import OFFLINE, ONLINE, SHUTDOWN

__all__ = ["UNKNOWN", "followed_nodes"]

UNKNOWN = "unknown"
"""The presence of a node that has said nothing."""


def followed_nodes(
    picture: Mapping[str, RemoteNode],
    ids: Iterable[str],
    session_of: Callable[[str], str | None],
    *,
    connected: bool,
    heals: bool,
) -> list[FollowedNode]:
    """`ids`: of the nodes, whether they have been heard of or not. `connected`: whether we would hear of a change."""
    return [
        _node(node, picture.get(node) or RemoteNode(node), session_of(node), connected, heals)
        for node in sorted(set(ids))
    ]


def _node(node: str, known: RemoteNode, session: str | None, connected: bool, heals: bool) -> FollowedNode:
    said = known.presence if connected else None
    return FollowedNode(
        id=node,
        presence=UNKNOWN if said is None else said if said in (ONLINE, SHUTDOWN) else OFFLINE,
        since=None if said is None else known.presence_at,
        retained=said is not None and known.presence_retained,
        session=session,
        heals=heals,
        streams=tuple(_stream(known.streams[key]) for key in sorted(known.streams)),
    )


def _stream(stream: RemoteStream) -> FollowedStream:
    return FollowedStream(
        code=stream.code,
        name=stream.name,
        state=stream.state,
        ts=stream.last_ts,
        seq=stream.seq,
        received=stream.last_at,
        entries=stream.entries,
        gaps=tuple(OpenGap(g.after_seq, g.before_seq, g.since, g.until, g.missing) for g in stream.gaps),
        healed=stream.healed,
        given_up=stream.given_up,
        lost=stream.lost,
        replaying=stream.replayed_at is not None,
    )
