"""Exports from a service over REST are those from its archive."""

from __future__ import annotations

from contextlib import asynccontextmanager

import numpy as np
import pytest
import trio
from rest.recorded import RecordedSite
from transports.websocket.served_edge import serving

from rta.client import RestClient
from rta.errors import FlushPointError, NotConnectedError, RtaError
from rta.export import ArchivedData, Export, ExportRequest, open_export
from rta.export.rest_source import RestData
from rta.health import Health
from rta.http_peer import HttpPeer
from rta.ports import DataKind, DataRange, FlushPoint, Position
from rta.rest.elsewhere import Elsewhere
from rta.wire import json_item, make_burst

from .recorded import CONFIGURATION, T0, record, session_json
from .test_csv_export import PlainArchive, long_drive, speed


async def text(source, **request) -> str:
    export = await open_export(source, ExportRequest("drive", **request), aim=500)
    return b"".join([piece.data async for piece in export.pieces()]).decode()


async def test_it_is_the_same_over_rest():
    archive = await long_drive(np.random.default_rng(5))
    site = RecordedSite(archive)
    opened = await site.buffer.open_session("drive", "live")
    await site.buffer.append(opened, make_burst([json_item(session_json())]))
    await site.buffer.publish(CONFIGURATION.identifier(), CONFIGURATION.write())
    async with serving(site.app()) as served:
        source = RestData(RestClient(f"http://127.0.0.1:{served.port}"))
        assert await text(source) == await text(ArchivedData(archive))
        some = {"parameters": ("Gear",), "start": T0, "end": T0 + 10**10}
        assert await text(source, **some) == await text(ArchivedData(archive), **some)


class TornArchive(PlainArchive):
    """A chunk of each answer is found to be damaged when the others have been given."""

    @asynccontextmanager
    async def read(self, identity, wanted):
        async with super().read(identity, wanted) as reader:
            more = reader.next

            async def following():
                chunks = await more()
                reader.damaged = 0 if chunks else 1
                return chunks

            reader.next = following
            yield reader


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_chunks_that_turn_out_to_be_damaged_in_the_middle_are_told(elsewhere: bool):
    archive = TornArchive()
    await record(archive, [[speed([T0, T0 + 1], [1, 2])]])
    async with serving(RecordedSite(archive).app()) as served:
        base = f"http://127.0.0.1:{served.port}"
        if not elsewhere:
            assert (await torn(base)).damaged
            return
        passing = Elsewhere(HttpPeer.at_url(base), "other", Health())
        async with serving(passing) as other:
            assert (await torn(f"http://127.0.0.1:{other.port}")).damaged


async def torn(base: str) -> Export:
    export = await open_export(RestData(RestClient(base)), ExportRequest("drive"))
    written = b"".join([piece.data async for piece in export.pieces()])
    assert written.count(b"\n") == 3
    return export


async def test_a_flush_point_of_another_session_is_told_apart():
    archive = PlainArchive()
    await record(archive, [[speed([T0], [1])]])
    async with serving(RecordedSite(archive).app()) as served:
        source = RestData(RestClient(f"http://127.0.0.1:{served.port}"))
        with pytest.raises(FlushPointError):
            async with source.read("drive", DataRange(DataKind.ROW, upto=FlushPoint("x", 1, Position(1, 0)))):
                pass


async def test_what_the_service_refuses_is_said_in_its_words():
    async with serving(RecordedSite().app()) as served:
        source = RestData(RestClient(f"http://127.0.0.1:{served.port}"))
        with pytest.raises(RtaError, match="start"):
            async with source.read("drive", DataRange(DataKind.ROW, start=-1)):
                pass


async def test_very_many_channels_are_asked_for_in_ranges():
    archive = PlainArchive()
    await record(archive, [[speed([T0], [1])]])
    async with serving(RecordedSite(archive).app()) as served:
        source = RestData(RestClient(f"http://127.0.0.1:{served.port}"))
        scattered = tuple((c, c) for c in range(1, 20_000, 2))
        async with source.read("drive", DataRange(DataKind.TIMESTAMPED, scattered)) as reader:
            assert [chunk.channels for chunk in await reader.next()] == [(1,)]


async def test_an_answer_that_breaks_off_is_no_whole_one(nursery):
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]

    async def break_off(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n\x08\x00\x00\x00\r\n")
        await stream.aclose()

    nursery.start_soon(trio.serve_listeners, break_off, listeners)
    source = RestData(RestClient(f"http://127.0.0.1:{port}"))
    with pytest.raises(NotConnectedError, match="breaks off"):
        async with source.read("drive", DataRange(DataKind.ROW)) as reader:
            await reader.next()
    nursery.cancel_scope.cancel()
