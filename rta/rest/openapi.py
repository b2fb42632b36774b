"""What there is over HTTP, as an OpenAPI 3.1 document: one line for each operation. A test holds it to the routes."""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import frozen

from rta import __version__
from rta.ports.access import Role
from rta.rest.access import METRICS, access_at
from rta.rest.openapi_parts import ANSWERS, PARAMETERS, SCHEMAS, SECURITY, TAGGED
from rta.rest.routing import V2

__all__ = ["Operation", "openapi_document", "operations"]

Document = dict[str, Any]

_FORM = "application/x-www-form-urlencoded"
_ELSEWHERE = (502, 504, 508)  # of services that have the archive elsewhere
_BUSY = (429, 503)


@frozen
class Operation:
    """What one method does at one path."""

    method: str
    path: str
    tag: str
    summary: str
    answer: str
    """Of `ANSWERS`, for the status 200, or for `status`."""
    parameters: tuple[str, ...] = ()
    problems: tuple[int, ...] = ()
    status: int = 200
    held: bool = False
    """It may be answered 304, as all with one of `TAGGED` may."""
    refusals: tuple[int, ...] = ()
    """Statuses of answers with `reason` and `field`."""
    body: Document | None = None
    ours: bool = True
    """RTA does not know it."""

    @property
    def role(self) -> Role | None:
        """What one needs where one has to sign in; None: nothing."""
        return (access_at(self.path) or {})[self.method.upper()].role


_S = V2 + "/sessions"
_ONE = _S + "/{identity}"
_DATA = _ONE + "/data"
_STREAMS = V2 + "/streams"
_RANGE = ("start", "end", "upto")
_READING = (400, 404, 406, 409, *_BUSY, *_ELSEWHERE)
_NOT_SIGNED_IN = (401, 403, 503)
_LISTING = (400, 413, *_BUSY, 508)
_SINGLE = (404, *_BUSY, *_ELSEWHERE)
_CHANGES = (400, 403, 404, 409, 413, 415, 503)


def _form(*fields: str) -> Document:
    properties = {PARAMETERS[name]["name"]: PARAMETERS[name]["schema"] for name in fields}
    properties["query"] = {"$ref": "#/components/schemas/Query"}
    encoding = {"query": {"contentType": "application/json"}}
    return {"content": {_FORM: {"schema": {"type": "object", "properties": properties}, "encoding": encoding}}}


def _json(name: str) -> Document:
    schema: Document = {"$ref": f"#/components/schemas/{name}"}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _get(path: str, tag: str, summary: str, answer: str, parameters: tuple[str, ...] = (), **more: Any) -> Operation:
    return Operation("get", path, tag, summary, answer, parameters, **more)


def _data(kind: str) -> Operation:
    parameters = ("identity", "channels", *_RANGE)
    return _get(
        f"{_DATA}/{kind}/{{channels}}", "Data", f"The {kind} data of channels", "Chunks", parameters,
        problems=_READING, held=True, ours=False,
    )  # fmt: skip


def _called(action: str) -> list[Operation]:
    """A stream may be called as an action is: only a POST is one."""
    path, summary = f"{_STREAMS}/{{code}}/{action}", f"The stream that is called {action}"
    return [
        _get(path, "Streams", summary, "Stream", ("code",), refusals=(400, 404, 503)),
        Operation("patch", path, "Streams", summary, "Stream", ("code",), refusals=_CHANGES, body=_json("Settings")),
        Operation("delete", path, "Streams", summary, "Done", ("code",), status=204, refusals=_CHANGES,
                  body=_json("Nothing")),
    ]  # fmt: skip


def _of_streams() -> list[Operation]:
    found: list[Operation] = []
    one, named = _STREAMS + "/{code}", _STREAMS + "/{code}/{stream}"
    for path, parameters in ((one, ("code",)), (named, ("code", "stream"))):
        found += [
            _get(path, "Streams", "One stream", "Stream", parameters, refusals=(400, 404, 503)),
            Operation("patch", path, "Streams", "Change its settings", "Stream", parameters, refusals=_CHANGES,
                      body=_json("Settings")),
            Operation("delete", path, "Streams", "Remove it", "Done", parameters, status=204, refusals=_CHANGES,
                      body=_json("Nothing")),
            Operation("post", path + "/start", "Streams", "Start it, or keep it running", "Stream", parameters,
                      refusals=_CHANGES, body=_json("Start")),
            Operation("post", path + "/stop", "Streams", "Stop it", "Stream", parameters, refusals=_CHANGES,
                      body=_json("Nothing")),
        ]  # fmt: skip
    return found


_OPERATIONS: tuple[Operation, ...] = (
    _get("/", "Site", "The product and its version; to browsers the page", "Text", ours=False),
    _get("/page/{file}", "Site", "A file that the page loads", "PageFile", ("file",), problems=(404,)),
    _get("/health", "Site", "Whether the site does its work", "Text", ours=False),
    _get("/metrics", "Site", "Metrics, in the text format of Prometheus", "Text", ours=False),
    _get(V2 + "/info", "Site", "What the site is called, and how to sign in", "Info", ours=False),
    _get(V2 + "/whoami", "Site", "Who asks", "Whoami"),
    Operation("post", V2 + "/tickets", "Site", "A ticket for one WebSocket, for a page", "Ticket", (),
              (400, 404, 413, 415), 201, body=_json("TicketRequest")),
    _get(V2 + "/openapi.json", "Site", "This document", "OpenApi"),
    _get(V2 + "/docs", "Site", "This document as a page", "Page"),
    _get(_S, "Sessions", "A page of sessions, the newest first", "Sessions",
         ("pageSize", "pageIndex", "folder", "sort"), problems=_LISTING, ours=False),
    Operation("post", _S, "Sessions", "A page of those that a query finds", "Sessions", (), (*_LISTING, 415),
              ours=False, body=_form("pageSize", "pageIndex", "folder", "sort", "prop")),
    _get(_ONE, "Sessions", "One session", "Session", ("identity",), problems=_SINGLE, ours=False),
    Operation("delete", _ONE, "Sessions", "Delete it from the archive", "Done", ("identity",), (409, 413, *_SINGLE),
              204),
    *(_data(kind) for kind in ("timestamped", "periodic", "row")),
    _get(_DATA + "/events", "Data", "The events", "Chunks", ("identity", *_RANGE), problems=_READING, held=True,
         ours=False),
    _get(_ONE + "/overview/{channels}", "Data", "Minimum, maximum and mean of stretches of channels", "Overview",
         ("identity", "channels", "start", "end", "points"), problems=(400, 404, *_BUSY, *_ELSEWHERE), held=True),
    _get(_ONE + "/export", "Data", "A recorded session as a file with engineering values", "Export",
         ("identity", "format", "parameters", "start", "end", "events"),
         problems=(400, 404, 409, *_BUSY, 501, *_ELSEWHERE), held=True),
    _get(_ONE + "/recording", "Data", "What the archive has of a session", "Recording", ("identity", "absent"),
         problems=(400, *_SINGLE)),
    _get(V2 + "/entries", "Data", "Entries of a run, for other edges", "Entries", ("after", "upto_position", "bytes"),
         problems=_READING),
    _get(V2 + "/configs/{identifier}", "Configurations", "A configuration document", "Configuration",
         ("identifier",), problems=(406, *_SINGLE), held=True, ours=False),
    _get(V2 + "/session-metamodel", "Sessions", "Properties to sort and filter by", "Metamodel", ("folder", "prop"),
         problems=_LISTING, ours=False),
    _get(V2 + "/session-metamodel/properties", "Sessions", "Properties whose ids fit", "Properties",
         ("property_query", "folder"), problems=_LISTING, ours=False),
    _get(V2 + "/session-folders/", "Sessions", "Folders at the top", "Folders", problems=_LISTING, ours=False),
    _get(V2 + "/session-folders/{parent}", "Sessions", "Folders in a folder", "Folders", ("parent",),
         problems=_LISTING, ours=False),
    _get(V2 + "/alarms", "Alarms", "Alarms of the node", "Alarms", ("active", "history"), refusals=(400, 503)),
    _get(V2 + "/nodes", "Nodes", "Remote nodes that sources follow", "Nodes", ("node", "source"), refusals=(400, 503)),
    _get(_STREAMS, "Streams", "All streams of the node", "Streams", ("status_code",), refusals=(400, 404, 503)),
    Operation("post", _STREAMS, "Streams", "Add a stream", "Stream", status=201, refusals=_CHANGES,
              body=_json("NewStream")),
    *_of_streams(),
    *_called("start"),
    *_called("stop"),
)  # fmt: skip


_LIVE: Document = {
    "summary": "The live stream of a session",
    "description": "A WebSocket with the sub-protocol mat.ocs.rta.stream-lz4, which OpenAPI has no words for; see "
    "docs/protocol.md. A request that is no upgrade is answered 400. Needs the role read.",
    "parameters": [{"$ref": "#/components/parameters/identity"}],
}


def operations() -> tuple[Operation, ...]:
    """All there are. HEAD goes wherever GET does."""
    return _OPERATIONS


@cache
def openapi_document() -> Document:
    """The document."""
    paths: Document = {}
    for operation in _OPERATIONS:
        methods = paths.setdefault(operation.path, {})
        methods[operation.method] = _described(operation, operation.method)
        if operation.method == "get":
            methods["head"] = _described(operation, "head")
    paths[_ONE + "/stream"] = _LIVE
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "RTA",
            "version": __version__,
            "description": "Sessions, live and recorded; streams; alarms; remote nodes. Roles are needed where one has "
            "to sign in.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "parameters": PARAMETERS,
            "responses": ANSWERS,
            "securitySchemes": SECURITY,
        },
    }


def _described(operation: Operation, method: str) -> Document:
    responses: Document = {str(operation.status): _answer(operation.answer, method), "431": _answer("TooLong", method)}
    if operation.path == "/health":
        responses["503"] = _answer("Unhealthy", method)
    if operation.held or (operation.answer in TAGGED and method in ("get", "head")):
        responses["304"] = _answer("Held", method)
    responses |= {str(status): _answer("Problem", method) for status in operation.problems}
    responses |= {str(status): _answer("Refusal", method) for status in operation.refusals}
    if operation.role is not None:
        kind = "Refusal" if operation.tag in ("Streams", "Alarms", "Nodes") else "Problem"
        responses |= {str(status): _answer(kind, method) for status in _NOT_SIGNED_IN}
    found: Document = {
        "operationId": _id(operation, method),
        "tags": [operation.tag],
        "summary": operation.summary + (" (ours)" if operation.ours else ""),
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters],
        "responses": dict(sorted(responses.items())),
        "security": _security(operation),
    }
    if operation.body is not None:
        found["requestBody"] = operation.body
    return found


def _security(operation: Operation) -> list[Document]:
    if operation.role is None:
        return []
    ways: list[Document] = [{name: [operation.role.name.lower()]} for name in SECURITY]
    return [*ways, {}] if operation.path == METRICS else ways


def _answer(name: str, method: str) -> Document:
    if method == "head":  # the headers of the same, without a body
        return {key: value for key, value in ANSWERS[name].items() if key != "content"}
    return {"$ref": f"#/components/responses/{name}"}


def _id(operation: Operation, method: str) -> str:
    parts = operation.path.removeprefix(V2).replace("{", "by ").replace("}", "").replace("-", " ").replace("/", " ")
    words = f"{method} {parts} {'root' if operation.path == '/' else ''}".replace(".", " ").split()
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
