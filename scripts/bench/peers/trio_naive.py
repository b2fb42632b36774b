"""What one writes at first in Trio: trio-websocket, a task and a memory channel per client, redis-py in a thread."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import redis
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from scripts.bench.peers.peer import BLOCK_MS, COUNT, STREAM, SUBPROTOCOL, arguments, entries, session_of

__all__: list[str] = []

_QUEUED = 100


async def _main() -> None:
    chosen = arguments()
    channels: dict[bytes, set[trio.MemorySendChannel[bytes]]] = defaultdict(set)

    async def client(request: WebSocketRequest) -> None:
        websocket = await request.accept(subprotocol=SUBPROTOCOL)
        group = channels[session_of(request.path)]
        sending, receiving = trio.open_memory_channel[bytes](_QUEUED)
        try:
            await websocket.get_message()  # what it subscribes
            group.add(sending)
            async with receiving:
                async for data in receiving:
                    await websocket.send_message(data)
        except ConnectionClosed:
            pass
        finally:
            group.discard(sending)

    async def read() -> None:
        server = redis.Redis(port=chosen.redis_port, protocol=2)
        last = b"0-0"
        while True:
            ask = partial(server.xread, {STREAM: last}, count=COUNT, block=BLOCK_MS)
            for position, fields in entries(await trio.to_thread.run_sync(ask)):
                last = position
                for channel in list(channels[fields[b"id"]]):
                    try:
                        await channel.send(fields[b"data"])
                    except trio.BrokenResourceError:
                        pass

    async with trio.open_nursery() as nursery:
        await nursery.start(partial(serve_websocket, client, "127.0.0.1", chosen.port, None))
        print("READY", flush=True)
        await read()


if __name__ == "__main__":
    trio.run(_main)
