"""asyncio: `websockets` and its broadcast, redis.asyncio."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import redis.asyncio
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from scripts.bench.peers.peer import (
    BLOCK_MS,
    COUNT,
    STREAM,
    SUBPROTOCOL,
    UNSENT,
    arguments,
    entries,
    session_of,
)

__all__: list[str] = []


async def _main() -> None:
    chosen = arguments()
    groups: dict[bytes, set[ServerConnection]] = defaultdict(set)

    async def client(websocket: ServerConnection) -> None:
        assert websocket.request is not None
        group = groups[session_of(websocket.request.path)]
        try:
            await websocket.recv()  # what it subscribes
            group.add(websocket)
            await websocket.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            group.discard(websocket)

    server = redis.asyncio.Redis(port=chosen.redis_port, protocol=2)
    subprotocols = [Subprotocol(SUBPROTOCOL)]
    async with serve(client, "127.0.0.1", chosen.port, subprotocols=subprotocols, compression=None, backlog=1024):
        print("READY", flush=True)
        last, since = b"0-0", 0
        while True:
            reply = await server.xread({STREAM: last}, count=COUNT, block=BLOCK_MS)
            for position, fields in entries(reply):
                last = position
                data = fields[b"data"]
                group = groups[fields[b"id"]]
                broadcast(group, data)
                since += len(data)
                if since > UNSENT:
                    since = 0
                    while any(c.transport.get_write_buffer_size() > UNSENT for c in group):
                        await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(_main())
