"""Asks a service as programs and pages do: over HTTP, and for a WebSocket, of which it shows how it ends."""

from __future__ import annotations

import json
import socket
import ssl
from base64 import urlsafe_b64encode
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from attrs import frozen
from program import PATIENCE

from rta.wire.websocket import SUBPROTOCOL

__all__ = [
    "Answer", "Stream", "ask", "ask_over", "bearer", "connect", "kubernetes", "open_stream", "say", "upgraded"
]  # fmt: skip

_CLOSE, _PING, _PONG = 8, 9, 10


@frozen
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    """By names in lower case."""
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def challenge(self) -> str:
        return self.headers.get("www-authenticate", "")


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def ask(
    address: tuple[str, int],
    path: str,
    token: str | None = None,
    *,
    method: str = "GET",
    body: Any = None,
    tls: ssl.SSLContext | None = None,
    **headers: str,
) -> Answer:
    """One request. `headers`: further ones, with _ for -."""
    connection = connect(address, tls)
    try:
        return ask_over(connection, path, token, method=method, body=body, **headers)
    finally:
        connection.close()


def connect(address: tuple[str, int], tls: ssl.SSLContext | None = None) -> HTTPConnection:
    """One connection, for several requests."""
    if tls is None:
        return HTTPConnection(*address, timeout=PATIENCE)
    return HTTPSConnection(*address, timeout=PATIENCE, context=tls)


def ask_over(
    connection: HTTPConnection,
    path: str,
    token: str | None = None,
    *,
    method: str = "GET",
    body: Any = None,
    **headers: str,
) -> Answer:
    """As `ask`, over a connection that stays."""
    given = {**bearer(token), **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        given["Content-Type"] = "application/json"
    connection.request(method, path, None if body is None else json.dumps(body), given)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, found, answer.read().decode())


def kubernetes(token: str) -> str:
    """The sub-protocol that has a token in it."""
    return f"base64url.bearer.authorization.k8s.io.{urlsafe_b64encode(token.encode()).decode().rstrip('=')}"


class Stream:
    """An open WebSocket, or why there is none."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = bytearray()
        with suppress(ConnectionResetError):
            while b"\r\n\r\n" not in self._received and self._more():
                pass
        head, _, rest = self._received.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        self.status = int(self.head.split(" ", 2)[1]) if self.head else 0
        """0: the service has hung up without an answer."""
        self._received = bytearray(rest)
        if self.status != 101:
            sock.close()

    def _more(self) -> bool:
        data = self._socket.recv(1 << 16)
        self._received += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            assert self._more(), "it has ended in the middle of a frame"
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def closed(self) -> tuple[int, str]:
        """Wait for its end: close code and reason."""
        while True:
            opcode, payload = self._frame()
            if opcode == _CLOSE:
                self._socket.close()
                return int.from_bytes(payload[:2]), payload[2:].decode()

    def _frame(self) -> tuple[int, bytes]:
        """The next one; a ping is answered."""
        first, size = self._take(2)
        if size >= 126:
            size = int.from_bytes(self._take(2 if size == 126 else 8))
        payload, opcode = self._take(size), first & 15
        if opcode == _PING:
            self._socket.sendall(bytes([0x80 | _PONG, 0x80 | len(payload)]) + bytes(4) + payload)
        return opcode, payload

    def is_open(self) -> bool:
        """Whether it answers a ping."""
        self._socket.sendall(bytes([0x80 | _PING, 0x80]) + bytes(4))
        while (opcode := self._frame()[0]) not in (_CLOSE, _PONG):
            pass
        return opcode == _PONG

    def leave(self) -> None:
        self._socket.close()


def open_stream(
    address: tuple[str, int],
    identity: str,
    *protocols: str,
    token: str | None = None,
    query: str = "",
    tls: ssl.SSLContext | None = None,
    **headers: str,
) -> Stream:
    """A WebSocket for a session. `protocols`: beside the real one."""
    return upgraded(_connect(address, tls), address, identity, *protocols, token=token, query=query, **headers)


def upgraded(
    sock: socket.socket,
    address: tuple[str, int],
    identity: str,
    *protocols: str,
    token: str | None = None,
    query: str = "",
    **headers: str,
) -> Stream:
    """As `open_stream`, over a connection that is there, and belongs to the WebSocket from now on."""
    lines = [
        f"GET /rta/v2/sessions/{identity}/stream{query} HTTP/1.1",
        f"Host: {address[0]}:{address[1]}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Sec-WebSocket-Protocol: {', '.join([SUBPROTOCOL, *protocols])}",
        *(f"{name}: {value}" for name, value in {**bearer(token), **headers}.items()),
    ]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    return Stream(sock)


def say(address: tuple[str, int], data: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """Send this, and nothing more: all that comes back."""
    found = b""
    with _connect(address, tls) as sock, suppress(OSError):
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        while part := sock.recv(1 << 16):
            found += part
    return found


def _connect(address: tuple[str, int], tls: ssl.SSLContext | None) -> socket.socket:
    sock = socket.create_connection(address, PATIENCE)
    return sock if tls is None else tls.wrap_socket(sock, server_hostname=address[0])
