"""uvloop and picows, redis.asyncio."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import redis.asyncio
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from scripts.bench.peers.peer import BLOCK_MS, COUNT, STREAM, UNSENT, arguments, entries, session_of

__all__: list[str] = []

_groups: dict[bytes, set[WSTransport]] = defaultdict(set)


class _Client(WSListener):
    def __init__(self, group: set[WSTransport]) -> None:
        super().__init__()
        self._group = group

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:  # what it subscribes
            self._group.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._group.discard(transport)


def _client(request: WSUpgradeRequest) -> WSListener:
    return _Client(_groups[session_of(request.path.decode())])


async def _main() -> None:
    chosen = arguments()
    await ws_create_server(_client, "127.0.0.1", chosen.port, backlog=1024)
    server = redis.asyncio.Redis(port=chosen.redis_port, protocol=2)
    print("READY", flush=True)
    binary = WSMsgType.BINARY
    last, since = b"0-0", 0
    while True:
        reply = await server.xread({STREAM: last}, count=COUNT, block=BLOCK_MS)
        for position, fields in entries(reply):
            last = position
            data = fields[b"data"]
            group = _groups[fields[b"id"]]
            for client in group:
                client.send(binary, data)
            since += len(data)
            if since > UNSENT:
                since = 0
                while any(c.underlying_transport.get_write_buffer_size() > UNSENT for c in group):
                    await asyncio.sleep(0.001)


if __name__ == "__main__":
    uvloop.run(_main())
