"""HTTP between the workers of one service, over sockets that nobody else can open: one request a connection.

Who a request comes from in the end is named in headers: the client's address, and whom it has signed in as. Only this
module writes and reads those headers, so a client cannot pretend to be another one. A request without them may nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import h11
import structlog
import trio
from attrs import frozen
from starlette.types import Scope

from rta.http_peer import HttpPeer, end_to_end
from rta.ports import AsgiApp
from rta.ports.access import Role, Subject
from rta.rest.connected import run_while_connected
from rta.rest.guard import client_address
from rta.rest.signed_in import SUBJECT

__all__ = ["WORKER", "LocalResponse", "WorkerAccess", "local_peer", "request_locally", "serve_locally"]

log = structlog.get_logger("rta.workers")

Headers = list[tuple[bytes, bytes]]

_PATIENCE = 8.0  # seconds for a request to come
_STALLED = 60.0  # seconds in which a part of an answer has to be taken
_LONGEST = 64 << 20  # bytes of a message
_BACKLOG = 1024  # a local socket refuses a connection beyond it instead of letting it wait
_CLIENT, _SUBJECT = b"x-rta-client", b"x-rta-subject"

WORKER = Subject("a worker of this service", Role.READ)
"""A worker that asks for itself."""


@frozen
class LocalResponse:
    """The answer of another worker."""

    status: int
    headers: Headers
    body: bytes


async def request_locally(
    path: Path,
    method: str,
    target: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
    body: bytes = b"",
    client: str = "",
    subject: Subject = WORKER,
) -> LocalResponse:
    """Ask the worker that serves at `path`, on behalf of `client`. How long to wait is up to the caller.

    :raises NotConnectedError: no answer comes. What was asked may have been done.
    """
    async with local_peer(path).request(method, target, _named(headers, client, subject), body) as answer:
        return LocalResponse(answer.status, answer.headers, await answer.body(_LONGEST))


def local_peer(path: Path) -> HttpPeer:
    """The worker that serves at `path`."""
    return HttpPeer.at_socket(path, f"the worker at {path.name}")


class WorkerAccess:
    """How requests to another worker say who asks. See `rta.rest.peer_access`."""

    @property
    def known(self) -> bool:
        return True

    def ours(self) -> Headers:
        return _named((), "", WORKER)

    def of_client(self, scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        return _named(headers, client_address(scope), scope[SUBJECT])

    async def refresh(self) -> None:
        pass


def _named(headers: Iterable[tuple[bytes, bytes]], client: str, subject: Subject) -> Headers:
    """The headers of a request on behalf of somebody. The credentials stay with the worker that has seen them."""
    kept = [header for header in end_to_end(headers) if header[0] not in (_CLIENT, _SUBJECT, b"authorization")]
    return [*kept, (_CLIENT, client.encode()), (_SUBJECT, _written(subject))]


def _written(subject: Subject) -> bytes:
    role = None if subject.role is None else int(subject.role)
    return json.dumps([subject.name, role, subject.ends, subject.mark]).encode()


def _subject(headers: Iterable[tuple[bytes, bytes]]) -> Subject:
    found = [value for name, value in headers if name == _SUBJECT]
    if len(found) != 1:
        return Subject("", None)
    name, role, ends, mark = json.loads(found[0])
    return Subject(name, None if role is None else Role(role), ends, mark)


async def serve_locally(
    path: Path, app: AsgiApp, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve an ASGI application until cancelled, in place of a worker that served there before and was killed. Started
    when others can connect."""
    await trio.Path(path).unlink(missing_ok=True)
    with trio.socket.socket(trio.socket.AF_UNIX) as listening:
        try:
            await listening.bind(os.fspath(path))
        except FileNotFoundError:
            task_status.started()
            return  # the supervisor has gone with its folder, and this worker is about to go
        os.chmod(path, 0o600)
        listening.listen(_BACKLOG)
        task_status.started()
        await trio.serve_listeners(partial(_serve_one, app), [trio.SocketListener(listening)])


async def _serve_one(app: AsgiApp, stream: trio.SocketStream) -> None:
    async with stream:
        connection = h11.Connection(h11.SERVER, _LONGEST)
        asked: tuple[h11.Request | h11.Response, bytes] | None = None
        with trio.move_on_after(_PATIENCE), suppress(trio.BrokenResourceError, h11.RemoteProtocolError):
            asked = await _receive(connection, stream)
        if asked is None:
            return
        head, body = asked
        assert isinstance(head, h11.Request)
        exchange = _Exchange(connection, stream, head, body)
        try:
            await run_while_connected(exchange.gone, partial(app, _scope(head), exchange.receive, exchange.send))
        except OSError:
            pass  # the other worker is gone
        except Exception:  # one request that fails must not end the others
            log.exception("a request of another worker has failed")


class _Exchange:
    """What the application is given to receive and to send."""

    def __init__(self, connection: h11.Connection, stream: trio.SocketStream, head: h11.Request, body: bytes) -> None:
        self._connection = connection
        self._stream = stream
        self._bodiless = head.method == b"HEAD"
        self._trailing = False
        self._waiting: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive(self) -> dict[str, Any]:
        if not self._waiting:  # whoever goes has the application cancelled
            await trio.sleep_forever()
        return self._waiting.pop()

    async def gone(self) -> dict[str, Any]:
        """Comes when the other side has hung up."""
        with suppress(trio.BrokenResourceError):
            while await self._stream.receive_some():
                pass
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        data = self._encoded(message)
        try:
            with trio.fail_after(_STALLED):
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.TooSlowError) as e:
            raise OSError(f"the other worker takes nothing: {e}") from None

    def _encoded(self, message: dict[str, Any]) -> bytes:
        if message["type"] == "http.response.start":
            self._trailing = message.get("trailers", False)
            headers = [*message["headers"], (b"connection", b"close")]
            return self._connection.send(h11.Response(status_code=message["status"], headers=headers)) or b""
        body = b"" if self._bodiless else message.get("body", b"")
        data = self._connection.send(h11.Data(data=body)) or b"" if body else b""
        if message.get("more_body", False) or (self._trailing and message["type"] == "http.response.body"):
            return data
        trailers = [] if self._bodiless else message.get("headers", ())
        return data + (self._connection.send(h11.EndOfMessage(headers=trailers)) or b"")


async def _receive(connection: h11.Connection, stream: trio.SocketStream) -> tuple[h11.Request | h11.Response, bytes]:
    """Head and body of the message that the other side sends.

    :raises RemoteProtocolError: it is not HTTP, or too long.
    :raises BrokenResourceError: it does not come to its end.
    """
    head: h11.Request | h11.Response | None = None
    body = bytearray()
    while True:
        match connection.next_event():
            case h11.Request() | h11.Response() as head:
                pass
            case h11.Data(data=data):
                body += data
                if len(body) > _LONGEST:
                    raise h11.RemoteProtocolError("the body is too long")
            case h11.EndOfMessage() if head is not None:
                return head, bytes(body)
            case h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            case _:
                raise trio.BrokenResourceError("the other side has hung up")


def _scope(request: h11.Request) -> dict[str, Any]:
    path, _, query = request.target.partition(b"?")
    client = next((value.decode() for name, value in request.headers if name == _CLIENT), "")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method.decode(),
        "scheme": "http",
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name, value) for name, value in request.headers if name not in (_CLIENT, _SUBJECT)],
        "client": (client, 0) if client else None,
        "server": None,
        "extensions": {"http.response.trailers": {}},
        SUBJECT: _subject(request.headers),
    }
