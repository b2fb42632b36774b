"""What is answered of sessions. Source: docs/rest.md, "Sessions", "Metamodel", "Folders"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from rta.errors import ArchiveError, MalformedError
from rta.ports import Archive, BurstLog
from rta.rest.body import json_response
from rta.rest.metamodel import find_properties, write_metamodel
from rta.rest.parameters import single
from rta.rest.problem import RequestProblem, refuse
from rta.rest.routing import segment
from rta.rest.sessions import SessionCatalogue
from rta.session_query import ListRequest, Property, read_list_request

__all__ = ["SessionPages"]

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000

T = TypeVar("T")


class SessionPages:
    """The endpoints."""

    def __init__(self, buffer: BurstLog, archive: Archive | None, catalogue: SessionCatalogue) -> None:
        self._buffer = buffer
        self._archive = archive
        self._catalogue = catalogue

    async def list(self, request: Request) -> Response:
        """A page of sessions."""
        asked = await _list_request(request)
        return await self._answer(lambda archive: self._catalogue.list(asked, archive), _json)

    async def session(self, request: Request) -> Response:
        """One session."""
        identity = segment(request.scope, "identity")
        record = await self._buffer.find(identity)
        if record is not None and record.json is not None:
            return _json(await self._catalogue.text(record))
        recorded = None if self._archive is None else await self._archive.find(identity)
        if recorded is None or not recorded.json:
            raise RequestProblem(404, f"there is no session {identity[:200]!r}")
        return _json(await self._catalogue.text(recorded))

    async def metamodel(self, request: Request) -> Response:
        """Which properties sessions have."""
        return await self._properties(request, lambda found: json_response(write_metamodel(found)))

    async def properties(self, request: Request) -> Response:
        """Properties whose path is like a text."""
        text = single(request.query_params, "query") or ""
        return await self._properties(request, lambda found: json_response(find_properties(found, text)))

    async def folders(self, request: Request) -> Response:
        """The folders in a folder."""
        if request.path_params.get("parent"):
            return json_response([])
        return await self._answer(lambda archive: self._catalogue.properties(None, archive), _folders)

    async def _properties(self, request: Request, write: Callable[[Sequence[Property]], Response]) -> Response:
        folder = single(request.query_params, "folder") or None
        return await self._answer(lambda archive: self._catalogue.properties(folder, archive), write)

    async def _answer(self, ask: Callable[[Archive | None], Awaitable[T]], write: Callable[[T], Response]) -> Response:
        """Where the archive cannot be read, what the buffer has; a header says so."""
        try:
            return write(await ask(self._archive))
        except MalformedError as e:
            refuse(e.kind, e)
        except ArchiveError:
            response = write(await ask(None))
        response.headers["rta-incomplete"] = "recorded sessions"
        return response


def _folders(properties: Sequence[Property]) -> Response:
    groups = [v for p in properties if p.path == "group" for v in p.values if isinstance(v, str)]
    return json_response([{"identity": g, "label": g, "description": "", "hasChildren": False} for g in groups])


def _json(text: str) -> Response:
    return Response(text.encode("utf-8", "backslashreplace"), media_type="application/json")


async def _list_request(request: Request) -> ListRequest:
    form = []
    if body := await request.body():
        kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
        if kind != _FORM:
            raise RequestProblem(415, f"the body is {kind[:100]!r}; expected a form: {_FORM}")
        try:
            form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            detail = f"the body is no form in UTF-8 of at most {_MOST_FIELDS} fields"
            raise RequestProblem(400, detail) from None
    try:
        return read_list_request([*request.query_params.multi_items(), *form])
    except MalformedError as e:
        refuse(e.kind, e)
