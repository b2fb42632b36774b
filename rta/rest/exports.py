"""Recorded sessions as tables with engineering values. Source: docs/rest.md, "Export"."""

from __future__ import annotations

from contextlib import aclosing
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.errors import ArchiveError, FlushPointError, MalformedError, RtaError
from rta.export import FORMATS, Export, ExportFormat, ExportRequest, open_export
from rta.export.source import ArchivedData
from rta.large_json import read_large
from rta.ports import Archive, BurstLog
from rta.rest.connected import run_while_connected
from rta.rest.guard import client_address
from rta.rest.negotiation import is_held
from rta.rest.parameters import moments_of, single
from rta.rest.problem import RequestProblem
from rta.rest.routing import segment
from rta.rest.sealed import sealed_tag
from rta.rest.turns import AnswerTurns
from rta.wire import Configuration, read_configuration
from rta.wire.parameter_index import ParameterNameError

__all__ = ["ExportResource", "export_turns"]

log = structlog.get_logger("rta.rest")


def export_turns() -> AnswerTurns:
    """Those of exports, which compute, each in a thread."""
    return AnswerTurns(in_all=8, of_one=4, waiting=16)


class ExportResource:
    """The ASGI application of exports."""

    def __init__(self, archive: Archive | None, buffer: BurstLog, turns: AnswerTurns) -> None:
        self._archive = archive
        self._buffer = buffer
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _read(scope)

        async def answer() -> None:
            async with self._turns.turn(client_address(scope)) as turn:
                await self._answer(request, scope, receive, turn.watched(send))

        await run_while_connected(receive, answer)

    async def _answer(self, request: ExportRequest, scope: Scope, receive: Receive, send: Send) -> None:
        found = None if self._archive is None else await self._archive.find(request.identity)
        if self._archive is None or found is None:
            raise RequestProblem(404, f"nothing is recorded of a session {request.identity[:200]!r}")
        tag = sealed_tag(found, request)
        headers = {"cache-control": "no-store"} if tag is None else {"cache-control": "no-cache", "etag": f"W/{tag}"}
        if tag is not None and is_held(Headers(scope=scope), tag):
            await Response(status_code=304, headers=headers)(scope, receive, send)
            return
        try:
            export = await open_export(_Recorded(self._archive, self._buffer), request)
        except ParameterNameError as e:
            raise RequestProblem(404, str(e), "parameters") from None
        if export.upto is not None:
            headers["rta-flush-point"] = str(export.upto)
        headers["content-disposition"] = _disposition(request)
        response = Response(b"", 200, headers, request.format.media_type)
        del response.headers["content-length"]
        await _send(export, response, send, head=scope["method"] == "HEAD")


class _Recorded(ArchivedData):
    """What exports read. A large configuration does not hold up anybody; that of a session that has just begun may be
    in the buffer alone."""

    def __init__(self, archive: Archive, buffer: BurstLog) -> None:
        super().__init__(archive)
        self._recorded, self._live = archive.configuration, buffer.configuration

    async def configuration(self, identifier: str) -> Configuration | None:
        text = await self._recorded(identifier)
        if text is None:
            text = await self._live(identifier)
        try:
            return None if text is None else await read_large(read_configuration, text)
        except MalformedError:
            return None


async def _send(export: Export, response: Response, send: Send, head: bool) -> None:
    """Where the archive fails in the middle, the answer breaks off; where chunks were damaged, at its end: nobody takes
    it for a whole one."""
    start = {"type": "http.response.start", "status": 200, "headers": response.raw_headers}
    async with aclosing(export.body()) as body:
        piece = b"" if head else await anext(body, b"")
        await send(start)
        try:
            while piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await anext(body, b"")
        except (ArchiveError, FlushPointError) as e:
            log.error("an export breaks off", session=export.request.identity, error=str(e))
            return
    if export.damaged:
        log.error("damaged chunks are left out of an export", session=export.request.identity)
        return
    await send({"type": "http.response.body", "body": b""})


def _read(scope: Scope) -> ExportRequest:
    query = QueryParams(scope["query_string"])
    events = single(query, "events") or "false"
    if events not in ("true", "false"):
        raise RequestProblem(400, f"events={events[:40]!r}: expected true or false", "events")
    start, end = moments_of(query)
    return ExportRequest(
        segment(scope, "identity"), _format(query), tuple(query.getlist("parameters")), start, end, events == "true"
    )


def _format(query: QueryParams) -> ExportFormat:
    name = single(query, "format") or "csv"
    found = FORMATS.get(name)
    if found is None:
        raise RequestProblem(400, f"format={name[:40]!r}: expected one of {', '.join(FORMATS)}", "format")
    try:
        found.require()
    except RtaError as e:
        raise RequestProblem(501, str(e), "format") from None
    return found


def _disposition(request: ExportRequest) -> str:
    """The name under which a browser keeps it."""
    identity, suffix = request.identity[:100], request.format.suffix
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in identity)
    return f"attachment; filename=\"{plain}{suffix}\"; filename*=UTF-8''{quote(identity, safe='')}{suffix}"
