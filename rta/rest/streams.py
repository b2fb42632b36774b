"""Streams over HTTP: requests become calls, if whoever sent them may make them. Source: protocol notes, "HTTP".

    GET, POST           /rta/v2/streams
    GET, PATCH, DELETE  /rta/v2/streams/{code}[/{stream}]
    POST                /rta/v2/streams/{code}[/{stream}]/start, …/stop

Without a stream, or with `default`, it is the unnamed one. A stream may itself be called `start`: only a POST is an
action.
"""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.parse import unquote

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.errors import MalformedError, TransportError
from rta.rest.body import Body, read_object, take_body
from rta.rest.guard import client_address, is_json, why_no_changes
from rta.rest.stream_calls import Ask, Reply, StreamCall
from rta.rsmp.topics import RESERVED

__all__ = ["PATH", "StreamResource", "StreamService"]

PATH = "/rta/v2/streams"

_MAX_BODY = 64 << 10
_ACTIONS = {"start": Ask.START, "stop": Ask.STOP}
_OF_ALL = {"GET": Ask.LIST, "HEAD": Ask.LIST, "POST": Ask.ADD}
_OF_ONE = {"GET": Ask.SHOW, "HEAD": Ask.SHOW, "PATCH": Ask.EDIT, "DELETE": Ask.REMOVE}
_READING = (Ask.LIST, Ask.SHOW)
_NEEDING_FIELDS = (Ask.ADD, Ask.EDIT)


class StreamService(Protocol):
    """What stands behind it."""

    @property
    def host(self) -> str:
        """What the service is called by its configuration."""
        ...

    async def call_streams(self, call: StreamCall) -> Reply:
        """Have a call done.

        :raises TransportError: the process that could is not there now.
        """
        ...


class StreamResource:
    """The ASGI application below `PATH`."""

    def __init__(self, service: StreamService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await take_body(receive, _MAX_BODY)
        if not body.cut:  # a call that did not come whole is none
            await (await self._answer(scope, body))(scope, receive, send)

    async def _answer(self, scope: Scope, body: Body) -> Response:
        target = [unquote(part) for part in scope["path"].removeprefix(PATH).split("/")[1:]]
        method = scope["method"]
        asks = _asks(target, method)
        if not asks:
            return _response(Reply.refusing(404, f"expected {PATH}/CODE, {PATH}/CODE/STREAM, or …/start and …/stop"))
        if method not in asks:
            allowed = ", ".join(asks)
            reply = Reply.refusing(405, f"{method} is not done here; {allowed} can be")
            return _response(reply, {"allow": allowed})
        try:
            return _response(await self._call(asks[method], target, scope, body))
        except TransportError as e:
            return _response(Reply.refusing(503, str(e)))

    async def _call(self, ask: Ask, target: list[str], scope: Scope, body: Body) -> Reply:
        if ask in _READING:
            return await self._service.call_streams(_call(ask, target, scope))
        why = why_no_changes(scope, self._service.host)
        if why is not None:
            return Reply.refusing(403, why)
        if not is_json(scope):
            return Reply.refusing(415, "changes are taken with Content-Type: application/json, with or without a body")
        if body.size > _MAX_BODY:
            return Reply.refusing(413, f"the body is longer than {_MAX_BODY} bytes")
        if not body.data and ask in _NEEDING_FIELDS:
            return Reply.refusing(400, "expected a JSON object as the body")
        try:
            fields = read_object(body.data)
        except MalformedError as e:
            return Reply.refusing(400, str(e))
        return await self._service.call_streams(_call(ask, target, scope, fields))


def _asks(target: list[str], method: str) -> dict[str, Ask]:
    """What each method does there; empty: there is nothing."""
    if not target:
        return _OF_ALL
    action = _ACTIONS.get(target[-1])
    if action is not None and (len(target) == 3 or (len(target) == 2 and method == "POST")):
        return {"POST": action}
    return _OF_ONE if len(target) <= 2 else {}


def _call(ask: Ask, target: list[str], scope: Scope, fields: dict[str, Any] | None = None) -> StreamCall:
    if ask in _ACTIONS.values():
        target = target[:-1]
    if ask is Ask.LIST:
        code = QueryParams(scope["query_string"]).get("code")
    else:
        code = target[0] if target else None
    name = target[1] if len(target) > 1 and target[1] != RESERVED else ""
    code = None if code is None else code.replace("/", ".")
    return StreamCall(ask, code, name, fields or {}, client_address(scope))


def _response(reply: Reply, headers: dict[str, str] | None = None) -> Response:
    if reply.document is None:
        return Response(status_code=reply.status, headers=headers)
    text = json.dumps(reply.document, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(text, reply.status, headers, "application/json")
