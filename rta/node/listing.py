"""Streams as they are listed: every setting, and the answer to "why is this running?"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rta.node.node_stream import NodeStream, Now
from rta.node.pruning import Pruning
from rta.node.stream_settings import write_stream
from rta.rsmp.payload import encode, iso
from rta.wire.values import Ns

__all__ = ["complete", "list_stream", "page", "with_short_last", "without_last"]

_PAGE = 48 << 10  # bytes of a page's streams, so that it fits a message
_SHORT = 2 << 10  # bytes of the values of one stream in a list, packed


class Kept(Protocol):
    """What the history has of a stream."""

    @property
    def count(self) -> int:
        """Entries."""
        ...

    @property
    def oldest(self) -> Ns:
        """Stream time of the first of them."""
        ...

    @property
    def newest(self) -> Ns:
        """And of the last."""
        ...


def list_stream(stream: NodeStream, pruning: Pruning, now: Now) -> dict[str, Any]:
    """Settings in the configuration's own keys, then state. Times are ISO 8601 (wall time), rates a second. What the
    history and the publisher know of it is for `complete`."""
    run, newest = stream.run, stream.engine.newest
    due = pruning.due(stream, now.steady)
    return {
        "code": stream.definition.code,
        **write_stream(stream.definition),
        "state": "stopped" if run is None else "running",
        "seq": stream.engine.seq,
        "since": None if run is None else iso(run.since),
        "started_by": None if run is None else str(run.by),
        "stopped_by": None if run is not None or stream.stopped_by is None else str(stream.stopped_by),
        "prune_at": None if due is None else iso(Ns(now.wall + round((due - now.steady) * 1e9))),
        "consumers": {c: pruning.presence(c) or "unknown" for c in stream.consumers},
        "last": None if newest is None else {"ts": iso(newest.ts), "seq": newest.seq, "values": newest.values},
        "kept": None,
        "messages_per_second": 0.0,
        "bytes_per_second": 0.0,
    }


def complete(listed: dict[str, Any], kept: Kept | None, sent: tuple[float, float]) -> dict[str, Any]:
    """`kept`: what the history has of the stream. `sent`: messages and bytes a second."""
    bounds = None if kept is None else {"entries": kept.count, "oldest": iso(kept.oldest), "newest": iso(kept.newest)}
    return {
        **listed,
        "kept": bounds,
        "messages_per_second": round(sent[0], 3),
        "bytes_per_second": round(sent[1], 1),
    }


def with_short_last(listed: dict[str, Any]) -> dict[str, Any]:
    """As it is listed among others: the last values are left out (null) where they are many."""
    last = listed.get("last")
    if last is None or len(encode(last["values"])) <= _SHORT:
        return listed
    return {**listed, "last": {**last, "values": None}}


def without_last(listed: dict[str, Any]) -> dict[str, Any]:
    """As it is listed over topics: who is there has the values already, and an answer has to fit a message."""
    return {key: value for key, value in listed.items() if key != "last"}


def page(listed: Sequence[dict[str, Any]], start: int) -> dict[str, Any]:
    """As many as fit one message, from an index on; `next` is the index of the first that did not."""
    size, end = 0, start
    while end < len(listed):
        size += len(encode(listed[end]))
        if size > _PAGE and end > start:
            return {"streams": list(listed[start:end]), "next": end}
        end += 1
    return {"streams": list(listed[start:])}
