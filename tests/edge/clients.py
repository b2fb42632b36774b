"""A client on a bare socket, which does what no library would: RFC 6455 and HTTP/1.1, as little as the tests need."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import trio

from rta.wire._pb.stream_pb2 import StreamData

from .telemetry import decode, subscribe, tag_of

__all__ = [
    "BINARY",
    "CLOSE",
    "KEY",
    "PATIENCE",
    "PING",
    "PONG",
    "TEXT",
    "Answer",
    "Frame",
    "RawClient",
    "close_frame",
    "masked",
    "raw",
    "stream_path",
    "upgrade",
]

PATIENCE = 120.0
"""Seconds after which what was waited for is taken to never come."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455, 1.3."""

_MASK = b"\x11\x22\x33\x44"


class Answer(NamedTuple):
    """An HTTP answer; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Frame(NamedTuple):
    """A WebSocket frame of the server."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of a close frame."""
        return int.from_bytes(self.payload[:2], "big")

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


def masked(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    """A client's frame."""
    n, bit = len(payload), 0x80 if mask else 0
    head = bytes([opcode | (0x80 if fin else 0)])
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + n.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + n.to_bytes(8, "big")
    if not mask:
        return head + payload
    stream = int.from_bytes(payload, "big") ^ int.from_bytes((_MASK * (n // 4 + 1))[:n], "big")
    return head + _MASK + stream.to_bytes(n, "big")


def close_frame(code: int | None = 1000, reason: str = "") -> bytes:
    return masked(CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())


def stream_path(identity: str) -> str:
    return f"/rta/v2/sessions/{identity}/stream"


def upgrade(path: str, **headers: str | None) -> bytes:
    """An upgrade request; underscores in the names stand for dashes, None leaves a header out."""
    have: dict[str, str | None] = {
        "host": "localhost",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
        "sec-websocket-protocol": "mat.ocs.rta.stream-lz4",
    }
    have.update({k.replace("_", "-"): v for k, v in headers.items()})
    lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in have.items() if v is not None)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class RawClient:
    """Reads nothing that it is not asked to read."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.unread = bytearray()

    # ---- bytes

    async def send(self, data: bytes) -> None:
        with trio.fail_after(PATIENCE):
            await self.stream.send_all(data)

    async def send_frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> None:
        await self.send(masked(opcode, payload, fin=fin, mask=mask))

    async def subscribe(self, *channels: int, events: bool = False, data: bool = False) -> None:
        await self.send_frame(BINARY, subscribe(*channels, events=events, data=data))

    async def _more(self) -> None:
        data = await self.stream.receive_some(64 << 10)
        if not data:
            raise EOFError(bytes(self.unread))
        self.unread += data

    async def take(self, count: int) -> bytes:
        """So many bytes.

        :raises EOFError: the server has hung up before.
        """
        with trio.fail_after(PATIENCE):
            while len(self.unread) < count:
                await self._more()
        data = bytes(self.unread[:count])
        del self.unread[:count]
        return data

    async def rest(self) -> bytes:
        """Everything up to the end of the connection, which has to be an orderly one."""
        with trio.fail_after(PATIENCE):
            try:
                while True:
                    await self._more()
            except EOFError:
                data = bytes(self.unread)
                self.unread.clear()
                return data

    async def gone(self) -> None:
        """Wait for the end of the connection, orderly or not."""
        try:
            await self.rest()
        except trio.BrokenResourceError:
            pass

    def reset(self) -> None:
        """Hang up with a RST."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.socket.close()

    # ---- HTTP

    async def answer(self, *, head: bool = False) -> Answer:
        """The next answer; `head`: to a HEAD request, which has no body."""
        with trio.fail_after(PATIENCE):
            while (end := self.unread.find(b"\r\n\r\n")) < 0:
                await self._more()
        lines = (await self.take(end + 4)).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:]) if k}
        status = int(lines[0].split(" ")[1])
        if head or status == 101:
            return Answer(status, headers)
        if "content-length" in headers:
            return Answer(status, headers, await self.take(int(headers["content-length"])))
        assert "transfer-encoding" not in headers, "the answers of this service have a length"
        return Answer(status, headers, await self.rest())

    async def request(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request on this connection and its answer."""
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", *(f"{k}: {v}" for k, v in headers.items())]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.answer(head=method == "HEAD")

    async def upgrade(self, path: str, **headers: str | None) -> Answer:
        await self.send(upgrade(path, **headers))
        return await self.answer()

    async def attach(self, identity: str) -> None:
        """Begin to stream a session."""
        answer = await self.upgrade(stream_path(identity))
        assert answer.status == 101, answer

    # ---- WebSocket

    async def frame(self) -> Frame:
        first, size = await self.take(2)
        assert first & 0x80, "a frame of the server is not final"
        assert not first & 0x70, "a frame of the server has an extension bit set"
        assert not size & 0x80, "a frame of the server is masked"
        if size > 125:
            size = int.from_bytes(await self.take(2 if size == 126 else 8), "big")
        return Frame(first & 0x0F, await self.take(size))

    async def next_of(self, opcode: int) -> Frame:
        """The next frame of a kind, whatever comes before it."""
        while (frame := await self.frame()).opcode != opcode:
            pass
        return frame

    async def message(self) -> list[StreamData]:
        """The items of the next message."""
        frame = await self.frame()
        assert frame.opcode == BINARY, frame
        return decode(frame.payload)

    async def until_tag(self, last: int) -> list[StreamData]:
        """The items of all messages up to the one that has this tag."""
        items: list[StreamData] = []
        while not any(tag_of(item) == last for item in items):
            items += await self.message()
        return items

    async def until_closed(self) -> tuple[list[StreamData], Frame]:
        """What comes before the server's close frame, and that; it has been answered then."""
        items: list[StreamData] = []
        while (frame := await self.frame()).opcode != CLOSE:
            if frame.opcode == BINARY:
                items += decode(frame.payload)
        await self.send(masked(CLOSE, frame.payload[:2]))
        return items, frame


@asynccontextmanager
async def raw(port: int, receive_buffer: int | None = None) -> AsyncIterator[RawClient]:
    """Connected; hangs up at the end. `receive_buffer`: bytes its kernel takes while it does not read."""
    sock = trio.socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    with sock:
        with trio.fail_after(PATIENCE):
            await sock.connect(("127.0.0.1", port))
        yield RawClient(trio.SocketStream(sock))
