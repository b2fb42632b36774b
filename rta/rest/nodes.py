"""The remote nodes that sources follow: presence, session, streams and their gaps.

Source: docs/remote.md, "Over HTTP".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rta.ports import FollowedNode, FollowedStream, OpenGap
from rta.rest.body import json_response, refusal
from rta.rsmp.payload import iso
from rta.wire.values import Ns

__all__ = ["FollowedNodes", "NodesResource", "node_documents"]

FollowedNodes = Sequence[tuple[str, FollowedNode]]
"""With the name of the source that follows them."""

_STREAMS = 1000  # in one answer; of the nodes that come next they are left out


class NodesResource:
    """The endpoint."""

    def __init__(self, nodes: Callable[[], FollowedNodes]) -> None:
        self._nodes = nodes

    async def list(self, request: Request) -> Response:
        """All nodes; with `?node=` those of an id, with `?source=` those of a source."""
        wanted: dict[str, str] = {}
        for key in ("node", "source"):
            given = request.query_params.getlist(key)
            if len(given) > 1:
                return refusal(400, f"{key}: expected it once", key)
            if given:
                wanted[key] = given[0]
        found = [
            (source, node)
            for source, node in self._nodes()
            if wanted.get("node", node.id) == node.id and wanted.get("source", source) == source
        ]
        return json_response({"nodes": node_documents(found)})


def node_documents(nodes: FollowedNodes, most: int = _STREAMS) -> list[dict[str, Any]]:
    """As they are listed. Where there are more than `most` streams, those of nodes further down are null."""
    documents: list[dict[str, Any]] = []
    there = 0
    for source, node in nodes:
        there += len(node.streams)
        documents.append(_node(source, node, there <= most or not documents))
    return documents


def _node(source: str, node: FollowedNode, with_streams: bool) -> dict[str, Any]:
    return {
        "id": node.id,
        "source": source,
        "presence": node.presence,
        "since": _moment(node.since),
        "retained": node.retained,
        "session": node.session,
        "heals": node.heals,
        "streams": [_stream(stream) for stream in node.streams] if with_streams else None,
    }


def _stream(stream: FollowedStream) -> dict[str, Any]:
    return {
        "code": stream.code,
        "name": stream.name,
        "state": stream.state,
        "ts": _moment(stream.ts),
        "seq": stream.seq,
        "received": _moment(stream.received),
        "entries": stream.entries,
        "gaps": [_gap(gap) for gap in stream.gaps],
        "healed": stream.healed,
        "given_up": stream.given_up,
        "lost": stream.lost,
        "replaying": stream.replaying,
    }


def _gap(gap: OpenGap) -> dict[str, Any]:
    return {
        "after_seq": gap.after_seq,
        "before_seq": gap.before_seq,
        "since": _moment(gap.since),
        "until": _moment(gap.until),
        "missing": gap.missing,
    }


def _moment(ns: int | None) -> str | None:
    return None if ns is None else iso(Ns(ns))
