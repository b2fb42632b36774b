"""HTTP between the workers of one service, over sockets that nobody else can open: one request a connection.

The client that a request comes from in the end is named in a header. Only this module writes and reads that header, so
a client cannot pretend to be another one.
"""

from __future__ import annotations

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

from rta.errors import NotConnectedError
from rta.ports import AsgiApp

__all__ = ["LocalResponse", "request_locally", "serve_locally"]

log = structlog.get_logger("rta.workers")

Headers = list[tuple[bytes, bytes]]

_PATIENCE = 8.0  # seconds for a request and its answer
_LONGEST = 64 << 20  # bytes of a message
_BACKLOG = 1024  # a local socket refuses a connection beyond it instead of letting it wait
_CLIENT = b"x-rta-client"
_OF_A_CONNECTION = frozenset(
    (b"connection", b"expect", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


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
) -> LocalResponse:
    """Ask the worker that serves at `path`, on behalf of `client`. How long to wait is up to the caller.

    :raises NotConnectedError: no answer comes. What was asked may have been done.
    """
    kept = [(name, value) for name, value in headers if name not in _OF_A_CONNECTION | {b"content-length", _CLIENT}]
    if not any(name == b"host" for name, _ in kept):  # HTTP/1.0 needs none
        kept.append((b"host", b""))
    kept += [(_CLIENT, client.encode()), (b"content-length", b"%d" % len(body))]
    connection = h11.Connection(h11.CLIENT, _LONGEST)
    request = connection.send(h11.Request(method=method, target=target, headers=kept)) or b""
    request += connection.send(h11.Data(data=body)) or b""
    request += connection.send(h11.EndOfMessage()) or b""
    with suppress(OSError, trio.BrokenResourceError, h11.RemoteProtocolError):
        async with await trio.open_unix_socket(path) as stream:
            await stream.send_all(request)
            head, answer = await _receive(connection, stream)
            assert isinstance(head, h11.Response)
            of_message = [(name, value) for name, value in head.headers if name not in _OF_A_CONNECTION]
            return LocalResponse(head.status_code, of_message, answer)
    raise NotConnectedError(f"the worker at {path.name} does not answer")


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
    with trio.move_on_after(_PATIENCE), suppress(trio.BrokenResourceError, h11.RemoteProtocolError):
        async with stream:
            connection = h11.Connection(h11.SERVER, _LONGEST)
            head, body = await _receive(connection, stream)
            assert isinstance(head, h11.Request)

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: dict[str, Any]) -> None:
                await stream.send_all(_encoded(connection, message, without_body=head.method == b"HEAD"))

            try:
                await app(_scope(head), receive, send)
            except Exception:  # one request that fails must not end the others
                log.exception("a request of another worker has failed")


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
        "headers": [(name, value) for name, value in request.headers if name != _CLIENT],
        "client": (client, 0) if client else None,
        "server": None,
    }


def _encoded(connection: h11.Connection, message: dict[str, Any], without_body: bool) -> bytes:
    """A message of the application, as bytes."""
    if message["type"] == "http.response.start":
        headers = [*message["headers"], (b"connection", b"close")]
        return connection.send(h11.Response(status_code=message["status"], headers=headers)) or b""
    data = b"" if without_body else connection.send(h11.Data(data=message.get("body", b""))) or b""
    return data if message.get("more_body", False) else data + (connection.send(h11.EndOfMessage()) or b"")
