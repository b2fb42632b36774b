"""Streams over HTTP: each request becomes a call of the `StreamService`, if its sender may make it.

    GET, POST           /rta/v2/streams
    GET, PATCH, DELETE  /rta/v2/streams/{code}[/{stream}]
    POST                /rta/v2/streams/{code}[/{stream}]/start, …/stop

Without a stream, or with `default`, it is the unnamed one. A stream may itself be called `start`: only a POST is an
action.

Source: docs/streams.md, "HTTP".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import unquote

from attrs import frozen
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.errors import MalformedError, TransportError
from rta.node.listing import with_short_last
from rta.node.node_stream import Initiator, Refusal, Refused
from rta.node.stream_service import StreamService
from rta.ports.access import Role, Subject
from rta.rest.access import STREAMS
from rta.rest.body import MAX_CHANGE, Body, json_response, read_object, receive_body, refusal
from rta.rest.guard import client_address, is_json
from rta.rest.signed_in import SUBJECT
from rta.rsmp.topics import RESERVED

__all__ = ["StreamResource"]

_STATUSES = {
    Refusal.INVALID: 400,
    Refusal.FORBIDDEN: 403,
    Refusal.UNKNOWN: 404,
    Refusal.CONFLICT: 409,
    Refusal.UNAVAILABLE: 503,
}


@frozen
class _Request:
    """Which stream a request is about, and what its body says."""

    code: str | None
    name: str | None
    """None: no stream is named. Empty: the unnamed stream."""
    fields: dict[str, Any]

    @property
    def stream(self) -> tuple[str, str]:
        return self.code or "", self.name or ""


@frozen
class _Verb:
    """What can be done with streams: the status of the answer, and what gives its document."""

    status: int
    role: Role
    """As in the table of `rta.rest.access`, which knows the paths alone; with the least one nothing is changed."""
    perform: Callable[[StreamService, _Request], Awaitable[Any]]
    fields: tuple[str, ...] | None = ()
    """The fields that the body may have; None: those of a stream, of which there must be some."""


async def _list(streams: StreamService, request: _Request) -> Any:
    return {"streams": [with_short_last(stream) for stream in await streams.list(request.code)]}


async def _show(streams: StreamService, request: _Request) -> Any:
    return (await streams.list(*request.stream))[0]


_LIST = _Verb(200, Role.READ, _list)
_SHOW = _Verb(200, Role.READ, _show)
_ADD = _Verb(201, Role.ADMINISTER, lambda streams, request: streams.add(request.fields), None)
_EDIT = _Verb(200, Role.ADMINISTER, lambda streams, request: streams.edit(*request.stream, request.fields), None)
_REMOVE = _Verb(204, Role.ADMINISTER, lambda streams, request: streams.remove(*request.stream))
_START = _Verb(
    200,
    Role.OPERATE,
    lambda streams, request: streams.start(*request.stream, _timeout(request.fields), _consumer(request.fields)),
    ("timeout", "consumer"),
)
_STOP = _Verb(200, Role.OPERATE, lambda streams, request: streams.stop(*request.stream))

_OF_ALL = {"GET": _LIST, "HEAD": _LIST, "POST": _ADD}
_OF_ONE = {"GET": _SHOW, "HEAD": _SHOW, "PATCH": _EDIT, "DELETE": _REMOVE}
_ACTIONS = {"start": _START, "stop": _STOP}


class StreamResource:
    """The ASGI application below `STREAMS`."""

    def __init__(self, streams: Callable[[Initiator], StreamService] | None) -> None:
        """`streams`: those of the node, for whoever asks; None: the site has none."""
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await receive_body(receive, MAX_CHANGE)
        if not body.cut:  # a request that did not come whole is none
            await (await self._answer(scope, body))(scope, receive, send)

    async def _answer(self, scope: Scope, body: Body) -> Response:
        target = [unquote(part) for part in scope["path"].removeprefix(STREAMS).split("/")[1:]]
        method = scope["method"]
        verbs = _verbs(target)
        if not verbs:
            return refusal(404, f"expected {STREAMS}/CODE, {STREAMS}/CODE/STREAM, or …/start and …/stop")
        if method not in verbs:
            allowed = ", ".join(verbs)
            return refusal(405, f"{method} is not possible here; expected one of {allowed}", headers={"allow": allowed})
        verb = verbs[method]
        fields: dict[str, Any] = {}
        subject: Subject = scope[SUBJECT]
        if not subject.may(verb.role):
            return refusal(403, f"the role {verb.role.name.lower()} is missing")
        if verb.role is not Role.READ:
            unwanted = self._unwanted(scope, body, verb)
            if unwanted is not None:
                return unwanted
            try:
                fields = read_object(body.data)
            except MalformedError as e:
                return refusal(400, str(e))
        by = Initiator("http", client_address(scope), subject.name)
        return await self._perform(verb, _request(verb, target, scope, fields), by)

    def _unwanted(self, scope: Scope, body: Body, verb: _Verb) -> Response | None:
        """The answer to a change that is not even read."""
        if not is_json(scope):
            return refusal(415, "changes are taken with Content-Type: application/json, with or without a body")
        if body.size > MAX_CHANGE:
            return refusal(413, f"the body is longer than {MAX_CHANGE} bytes")
        if verb.fields is None and not body.data:
            return refusal(400, "expected a JSON object as the body")
        return None

    async def _perform(self, verb: _Verb, request: _Request, by: Initiator) -> Response:
        if self._streams is None:
            if verb is _LIST and request.code is None:
                return json_response({"streams": []})
            return refusal(404, "this site has no streams: its configuration has no [[status]]")
        try:
            _check_known(request.fields, verb.fields)
            document = await verb.perform(self._streams(by), request)
        except Refused as e:
            return refusal(_STATUSES[e.kind], str(e), e.field)
        except TransportError as e:
            return refusal(503, str(e))
        return Response(status_code=verb.status) if document is None else json_response(document, verb.status)


def _verbs(target: list[str]) -> dict[str, _Verb]:
    """What each method does at this place; empty: there is nothing."""
    if not target:
        return _OF_ALL
    of_one = _OF_ONE if len(target) <= 2 else {}
    action = _ACTIONS.get(target[-1]) if len(target) in (2, 3) else None
    return of_one if action is None else {**of_one, "POST": action}


def _request(verb: _Verb, target: list[str], scope: Scope, fields: dict[str, Any]) -> _Request:
    if verb in _ACTIONS.values():
        target = target[:-1]
    if verb is _LIST:
        code = QueryParams(scope["query_string"]).get("code")
    else:
        code = target[0] if target else None
    name = target[1] if len(target) > 1 and target[1] != RESERVED else None
    return _Request(None if code is None else code.replace("/", "."), name, fields)


def _check_known(fields: Iterable[str], known: tuple[str, ...] | None) -> None:
    for key in fields:
        if known is not None and key not in known:
            there = f"there are: {', '.join(known)}" if known else "expected none"
            raise Refused(f"there is no such field; {there}", key[:60])


def _timeout(fields: dict[str, Any]) -> float | None:
    value = fields.get("timeout")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("expected a number of seconds", "timeout")
    try:
        return float(value)
    except OverflowError:
        raise Refused("expected a number of seconds, and not such a large one", "timeout") from None


def _consumer(fields: dict[str, Any]) -> str | None:
    value = fields.get("consumer")
    if value is not None and not isinstance(value, str):
        raise Refused("expected the id of a node", "consumer")
    return value
