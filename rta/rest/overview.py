"""Hours of a session at a glance. Source: docs/rest.md, "Overview"."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import isfinite

from attrs import frozen
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.errors import MalformedError
from rta.ports import Archive, ArchivedSession, BurstLog, ChannelOverview, ChannelRanges
from rta.rest.channels import read_channels
from rta.rest.connected import run_while_connected
from rta.rest.guard import client_address
from rta.rest.negotiation import is_held
from rta.rest.parameters import is_empty, moments_of, number_of
from rta.rest.problem import RequestProblem, refuse
from rta.rest.routing import segment
from rta.rest.sealed import sealed_tag, tag_of_unchanged
from rta.rest.turns import AnswerTurns

__all__ = ["OverviewResource"]

_USUAL, _MOST = 1000, 5000  # stretches of a channel
_AT_ONCE = 40_000  # stretches that are read from the archive at once


@frozen
class _Wanted:
    channels: ChannelRanges
    start: int | None
    end: int | None
    points: int


class OverviewResource:
    """The ASGI application of overviews."""

    def __init__(self, buffer: BurstLog, archive: Archive | None, turns: AnswerTurns) -> None:
        self._buffer = buffer
        self._archive = archive
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity, wanted = segment(scope, "identity"), _read(scope)

        async def answer() -> None:
            async with self._turns.turn(client_address(scope)) as turn:
                await self._answer(identity, wanted, scope, receive, turn.watched(send))

        await run_while_connected(receive, answer)

    async def _answer(self, identity: str, wanted: _Wanted, scope: Scope, receive: Receive, send: Send) -> None:
        found = None if self._archive is None else await self._archive.find(identity)
        if found is None and await self._buffer.find(identity) is None:
            raise RequestProblem(404, f"there is no session {identity[:200]!r}")
        tag = None if found is None else sealed_tag(found, wanted)
        if tag is not None and is_held(Headers(scope=scope), tag):
            headers = {"etag": f"W/{tag}", "cache-control": "no-cache"}
            await Response(status_code=304, headers=headers)(scope, receive, send)
            return
        groups = _Groups(self._archive, found, wanted)
        first = await groups.next()
        if found is not None and self._archive is not None:
            tag = await tag_of_unchanged(self._archive, found, tag)
        response = Response(b"", media_type="application/json")
        del response.headers["content-length"]
        response.headers["cache-control"] = "no-cache" if tag else "no-store"
        if tag is not None:
            response.headers["etag"] = f"W/{tag}"  # a weak one, since it may be compressed on its way
        await send({"type": "http.response.start", "status": 200, "headers": response.raw_headers})
        if scope["method"] != "HEAD":
            await _send_all(first, groups, send)
        await send({"type": "http.response.body", "body": b""})


class _Groups:
    """The overviews of a session, of as many channels at once as is good for memory."""

    def __init__(self, archive: Archive | None, found: ArchivedSession | None, wanted: _Wanted) -> None:
        self._archive = archive
        self._found = found
        self._wanted = wanted
        self._at_once = _AT_ONCE // wanted.points
        self._left: ChannelRanges | None = None
        """Those that have not been read; None: it is not known which there are."""

    async def next(self) -> Sequence[ChannelOverview]:
        """The next ones; empty: there are no more."""
        if self._left is None:
            ranges = self._wanted.channels
            if sum(last - first + 1 for first, last in ranges) > self._at_once:
                ranges = tuple((one.channel, one.channel) for one in await self._read(ranges, 1))
            self._left = ranges
        found: Sequence[ChannelOverview] = ()
        while self._left and not found:
            part, self._left = self._left[: self._at_once], self._left[self._at_once :]
            found = await self._read(part, self._wanted.points)
        return found

    async def _read(self, channels: ChannelRanges, points: int) -> Sequence[ChannelOverview]:
        start, end = self._wanted.start, self._wanted.end
        if self._archive is None or self._found is None or is_empty(start, end):
            return ()
        return await self._archive.overview(self._found.identity, channels, start, end, points)


def _read(scope: Scope) -> _Wanted:
    query = QueryParams(scope["query_string"])
    start, end = moments_of(query)
    try:
        channels = read_channels(segment(scope, "channels"))
    except MalformedError as e:
        refuse("channels", e)
    return _Wanted(channels, start, end, number_of(query, "points", _MOST, 1) or _USUAL)


async def _send_all(group: Sequence[ChannelOverview], others: _Groups, send: Send) -> None:
    before = '{"channels":['
    while group:
        for one in group:
            for piece in _written(one):
                await send({"type": "http.response.body", "body": (before + piece).encode(), "more_body": True})
                before = ""
            before = ","
        group = await others.next()
    end = "]}" if before == "," else before + "]}"
    await send({"type": "http.response.body", "body": end.encode(), "more_body": True})


def _written(one: ChannelOverview) -> Iterator[str]:
    """In pieces, so that others have their turns between them. Times are texts: JavaScript would round the numbers."""
    yield f'{{"channel":{one.channel},"start":{_texts(one.starts)}'
    yield f',"end":{_texts(one.ends)}'
    yield f',"count":{json.dumps([int(n) for n in one.counts])}'
    for name, values in (("min", one.minima), ("max", one.maxima), ("mean", one.means)):
        yield f',"{name}":{json.dumps([float(v) if isfinite(v) else None for v in values])}'
    yield "}"


def _texts(times: Sequence[int]) -> str:
    return "[" + ",".join([f'"{int(t)}"' for t in times]) + "]"
