"""Data go out as fast as the client takes them, and no further once it has gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from archive.plain_archive import PlainArchive
from transports.websocket.served_edge import PATIENCE, serving

from rta.ports import Chunk, DataKind
from rta.testing.patience import until
from rta.wire import ChunkWriter

from .recorded import DATA, RecordedSite

CHUNK = Chunk(DataKind.TIMESTAMPED, (1,), 0, 1, 100, bytes(64 << 10))
GET = f"GET {DATA}/timestamped/- HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class EndlessArchive(PlainArchive):
    """Its sessions have no end."""

    def __init__(self, stops_at: int | None = None) -> None:
        """`stops_at`: the read that never comes back."""
        super().__init__()
        self.reads = 0
        self.open = 0
        self.stuck = trio.Event()
        self._stops_at = stops_at

    @asynccontextmanager
    async def read(self, identity: str, wanted: Any) -> AsyncIterator[Any]:
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    flush_point = None
    version = ""
    damaged = 0

    async def next(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if self.reads == self._stops_at:
            self.stuck.set()
            await trio.sleep_forever()
        self.reads += 1
        return ChunkWriter().write([CHUNK] * 8)


@asynccontextmanager
async def visiting(archive: EndlessArchive, **options: Any) -> AsyncIterator[trio.SocketStream]:
    site = RecordedSite(archive)
    await site.record(1)
    async with serving(site.app(), **options) as served:
        sock = trio.socket.socket()
        sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
        with sock:
            await sock.connect(("127.0.0.1", served.port))
            stream = trio.SocketStream(sock)
            await stream.send_all(GET)
            yield stream


async def test_who_reads_nothing_has_little_read_from_the_archive_and_is_dropped() -> None:
    archive = EndlessArchive()
    async with visiting(archive, stall_timeout=0.3):
        await until(lambda: archive.open == 1, PATIENCE, "the answer to begin")
        await until(lambda: archive.open == 0, PATIENCE, "the client to be dropped")
    assert archive.reads < 20  # 10 MiB: what the kernels of both sides hold


async def test_who_hangs_up_while_the_archive_is_busy_ends_the_reading() -> None:
    archive = EndlessArchive(stops_at=2)
    async with visiting(archive) as stream:
        with trio.fail_after(PATIENCE):
            while not archive.stuck.is_set():
                await stream.receive_some()
        assert archive.open == 1
        await stream.aclose()
        await until(lambda: archive.open == 0, PATIENCE, "the reading to end")


async def test_who_resets_in_the_middle_ends_the_reading() -> None:
    archive = EndlessArchive()
    async with visiting(archive) as stream:
        for _ in range(10):
            await stream.receive_some()
        stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.socket.close()
        await until(lambda: archive.open == 0, PATIENCE, "the reading to end")
