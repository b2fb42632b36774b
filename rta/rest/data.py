"""The data of sessions: chunks as the archive has them. Source: docs/rest.md, "Data"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from attrs import frozen
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.errors import ArchiveError, FlushPointError, MalformedError
from rta.ports import (
    Archive,
    ArchivedSession,
    BurstLog,
    ChunkReader,
    DataKind,
    DataRange,
    FlushPoint,
    Reporter,
    SessionRecord,
)
from rta.rest.channels import read_channels
from rta.rest.connected import run_while_connected
from rta.rest.guard import client_address
from rta.rest.negotiation import check_accepted, is_held
from rta.rest.parameters import flush_point_of, is_empty, moments_of
from rta.rest.problem import RequestProblem, refuse
from rta.rest.routing import segment
from rta.rest.sealed import sealed_tag
from rta.rest.trailers import send_end, start_with_trailers
from rta.rest.turns import AnswerTurns

__all__ = ["CHUNKED", "DataResource", "read_range"]

log = structlog.get_logger("rta.rest")

CHUNKED = "application/vnd.mat.protobuf+chunked"

_OF_CHANNELS = {kind.value: kind for kind in DataKind if kind is not DataKind.EVENTS}
_DAMAGED = b"rta-damaged-chunks"


@frozen
class _Request:
    """What is asked for, and by whom."""

    identity: str
    wanted: DataRange
    headers: Headers
    client: str
    head: bool


class DataResource:
    """The ASGI application of the four kinds of data."""

    def __init__(
        self,
        buffer: BurstLog,
        archive: Archive | None,
        records: Callable[[SessionRecord], Awaitable[bool]],
        turns: AnswerTurns,
        report: Reporter | None,
    ) -> None:
        """`archive`: None where the site records nothing: then there are no data. `records`: whether a session of the
        buffer is going to be recorded."""
        self._buffer = buffer
        self._archive = archive
        self._records = records
        self._turns = turns
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        wanted = read_range(scope)
        check_accepted(headers, CHUNKED)
        asked = _Request(segment(scope, "identity"), wanted, headers, client_address(scope), scope["method"] == "HEAD")

        async def answer() -> None:
            async with self._turns.turn(asked.client) as turn:
                response = await self._answer(asked, scope, turn.watched(send))
                if response is not None:
                    await response(scope, receive, turn.watched(send))

        await run_while_connected(receive, answer)

    async def _answer(self, asked: _Request, scope: Scope, send: Send) -> Response | None:
        """None: the answer has been sent.

        :raises RequestProblem: 404; there is no such session.
        """
        found = None if self._archive is None else await self._archive.find(asked.identity)
        start = await self._start(asked, found)
        if self._archive is None or found is None:  # nothing of it is recorded: its data begin behind this point
            if asked.wanted.upto not in (None, start):
                raise FlushPointError(f"upto={asked.wanted.upto} is no flush point of {asked.identity!r} now")
            return Response(b"", 200, _headers(None, start, 0), CHUNKED)
        tag = sealed_tag(found, asked.wanted)
        if tag is not None and is_held(asked.headers, tag):
            return Response(status_code=304, headers={"etag": tag, "cache-control": "no-cache"})
        async with self._archive.read(asked.identity, asked.wanted) as reader:
            nothing = asked.head or is_empty(asked.wanted.start, asked.wanted.end) or not asked.wanted.channels
            data = b"" if nothing else await reader.next()
            if reader.version != found.version:  # it has changed since it was found
                tag = None
            head = _headers(tag, reader.flush_point or start, reader.damaged)
            response = Response(b"", 200, {**head, "content-type": CHUNKED})
            if not data:
                return response
            told = reader.damaged
            del response.headers["content-length"]
            await send(start_with_trailers(scope, 200, response.raw_headers))
            if await self._send_all(asked, reader, data, send):
                more = reader.damaged > told
                await send_end(scope, send, [(_DAMAGED, b"%d" % reader.damaged)] if more else ())
        return None

    async def _start(self, asked: _Request, found: ArchivedSession | None) -> FlushPoint | None:
        """Where the run of a session begins of which nothing has been recorded; None: it is not known, or nothing is
        going to be recorded.

        :raises RequestProblem: 404; the buffer does not know it either.
        """
        if found is not None and found.flush_point is not None:
            return None
        record = await self._buffer.find(asked.identity)
        if record is None:
            if found is None:
                raise RequestProblem(404, f"there is no session {asked.identity[:200]!r}")
            return None
        if self._archive is None or not await self._records(record):
            return None
        return FlushPoint(record.stream, record.stream_session_id, record.stream_position.before())

    async def _send_all(self, asked: _Request, reader: ChunkReader, data: bytes | memoryview, send: Send) -> bool:
        """Send data and all behind them. False: the archive has failed, and the answer breaks off: it is never taken
        for a whole one."""
        size = 0
        try:
            while data:
                await send({"type": "http.response.body", "body": data, "more_body": True})
                size += len(data)
                data = await reader.next()
        except ArchiveError as e:
            log.error("an answer with data breaks off", session=asked.identity, error=str(e))
            return False
        finally:
            self._count(asked, reader, size)
        return True

    def _count(self, asked: _Request, reader: ChunkReader, size: int) -> None:
        if reader.damaged:
            log.warning("damaged chunks are left out of an answer", session=asked.identity, chunks=reader.damaged)
        if self._report is not None:
            self._report.count("rta_data_answers_total", kind=asked.wanted.kind.value)
            self._report.count("rta_data_bytes_total", size)
            self._report.count("rta_data_damaged_total", reader.damaged)


def read_range(scope: Scope) -> DataRange:
    """Which data a request asks for.

    :raises RequestProblem: 400; it cannot be told.
    """
    query = QueryParams(scope["query_string"])
    start, end = moments_of(query)
    upto = flush_point_of(query, "upto")
    parts = scope["path_params"]
    if "kind" not in parts:
        return DataRange(DataKind.EVENTS, start=start, end=end, upto=upto)
    kind = _OF_CHANNELS.get(parts["kind"])
    if kind is None:
        raise RequestProblem(404, "data are timestamped/{channels}, periodic/{channels}, row/{channels} and events")
    try:
        channels = read_channels(segment(scope, "channels"))
    except MalformedError as e:
        refuse("channels", e)
    return DataRange(kind, channels, start, end, upto)


def _headers(tag: str | None, point: FlushPoint | None, damaged: int) -> dict[str, str]:
    headers = {"cache-control": "no-cache" if tag else "no-store"}
    if tag is not None:
        headers["etag"] = tag
    if point is not None:
        headers["rta-flush-point"] = str(point)
    if damaged:
        headers[_DAMAGED.decode()] = str(damaged)
    return headers
