"""As little as there can be in Trio: hiredis on a SocketStream, frames built once, non-blocking sends.

It is no WebSocket server: behind the subscription it takes no notice of what clients send.
"""

from __future__ import annotations

import base64
import hashlib
import socket
from collections import defaultdict, deque
from collections.abc import AsyncIterator

import hiredis
import trio

from scripts.bench.peers.peer import BLOCK_MS, COUNT, STREAM, SUBPROTOCOL, UNSENT, arguments, header, session_of

__all__: list[str] = []

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LARGEST = 128 << 10  # bytes of one send when coalescing

Row = tuple[bytes, list[bytes]]


class _Client:
    """A socket, and what it has not taken yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.send = sock.send
        self.waiting: deque[bytes | memoryview] = deque()
        self.unsent = 0
        self.gone = False

    def keep(self, rest: bytes | memoryview) -> bool:
        """For later; whether somebody has to see to that from now on."""
        self.waiting.append(rest)
        self.unsent += len(rest)
        return len(self.waiting) == 1

    async def catch_up(self) -> None:
        while self.waiting and not self.gone:
            await trio.lowlevel.wait_writable(self.sock)
            try:
                while self.waiting:
                    first = self.waiting[0]
                    taken = self.send(first)
                    self.unsent -= taken
                    if taken < len(first):
                        self.waiting[0] = memoryview(first)[taken:]
                        break
                    self.waiting.popleft()
            except BlockingIOError:
                continue
            except OSError:
                self.gone = True


class _Peer:
    def __init__(self, redis_port: int, coalesce: bool, nursery: trio.Nursery) -> None:
        self._redis_port = redis_port
        self._nursery = nursery
        self._hand_out = self._together if coalesce else self._one_by_one
        self._sessions: dict[bytes, dict[_Client, None]] = defaultdict(dict)
        self._since = 0

    # ---- clients

    async def client(self, stream: trio.SocketStream) -> None:
        async with stream:
            head = b""
            while b"\r\n\r\n" not in head:
                more = await stream.receive_some()
                if not more:
                    return
                head += more
            request, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            accept = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + _GUID).digest()).decode()
            await stream.send_all(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
            )
            await stream.receive_some()  # what it subscribes
            sock = socket.socket(fileno=socket.dup(stream.socket.fileno()))
            sock.setblocking(False)
            client = _Client(sock)
            self._sessions[session_of(request.split(" ")[1])][client] = None
            try:
                while await stream.receive_some():
                    pass
            except trio.BrokenResourceError:
                pass
            finally:
                client.gone = True
                for group in self._sessions.values():
                    group.pop(client, None)
                trio.lowlevel.notify_closing(sock)
                sock.close()

    # ---- bursts

    async def _replies(self) -> AsyncIterator[list[Row]]:
        stream = await trio.open_tcp_stream("127.0.0.1", self._redis_port)
        reader = hiredis.Reader()
        last = b"0-0"
        while True:
            read = ("XREAD", "COUNT", COUNT, "BLOCK", BLOCK_MS, "STREAMS", STREAM, last)
            await stream.send_all(hiredis.pack_command(read))  # type: ignore[arg-type]  # its stub knows tuples of one
            while (reply := reader.gets()) is False:
                reader.feed(await stream.receive_some(1 << 18))
            if reply is not None:
                rows = reply[0][1]
                last = rows[-1][0]
                yield rows

    async def run(self) -> None:
        async for rows in self._replies():
            await self._hand_out(rows)

    async def _one_by_one(self, rows: list[Row]) -> None:
        for _, (_, session, _, data) in rows:
            await self._send(self._sessions[session], header(len(data)) + data)

    async def _together(self, rows: list[Row]) -> None:
        parts: dict[bytes, list[bytes]] = defaultdict(list)
        size = 0
        for _, (_, session, _, data) in rows:
            if size and size + len(data) > _LARGEST:
                await self._send_all(parts)
                size = 0
            parts[session] += (header(len(data)), data)
            size += len(data)
        await self._send_all(parts)

    async def _send_all(self, parts: dict[bytes, list[bytes]]) -> None:
        for session, several in parts.items():
            await self._send(self._sessions[session], b"".join(several))
        parts.clear()

    async def _send(self, group: dict[_Client, None], frames: bytes) -> None:
        size = len(frames)
        for client in group:
            taken = 0
            if not client.waiting:
                try:
                    taken = client.send(frames)
                except BlockingIOError:
                    pass
                except OSError:
                    client.gone = True
                    continue
                if taken == size:
                    continue
            if client.keep(memoryview(frames)[taken:]):
                self._nursery.start_soon(client.catch_up)
        self._since += size
        if self._since > UNSENT:
            self._since = 0
            while any(c.unsent > UNSENT and not c.gone for c in group):
                await trio.sleep(0.001)


async def _main() -> None:
    chosen = arguments()
    listeners = await trio.open_tcp_listeners(chosen.port, host="127.0.0.1", backlog=1024)
    async with trio.open_nursery() as nursery:
        peer = _Peer(chosen.redis_port, chosen.coalesce, nursery)
        nursery.start_soon(peer.run)
        print("READY", flush=True)
        await trio.serve_listeners(peer.client, listeners)


if __name__ == "__main__":
    trio.run(_main)
