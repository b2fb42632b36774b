"""Configurations over HTTP. Source: docs/rest.md, "Configurations"."""

from __future__ import annotations

import gzip
import time

import pytest
import trio

from rta.rest.configurations import CONFIGURATION

from .asgi import Asking, ask
from .recorded import RecordedSite

PATH = "/rta/v2/configs/c1"


async def test_a_configuration_is_in_the_buffer_or_in_the_archive() -> None:
    site = RecordedSite()
    await site.buffer.publish("c1", '{"live": "ü"}')
    await site.archive.publish("c2", '{"recorded": 1}')
    app = site.app()
    live = await ask(app, PATH)
    assert (live.headers["content-type"], live.body.decode()) == (CONFIGURATION, '{"live": "ü"}')
    assert (await ask(app, "/rta/v2/configs/c2")).json == {"recorded": 1}
    assert "'c3'" in (await ask(app, "/rta/v2/configs/c3")).problem["detail"]
    assert (await ask(site.app(archive=None), "/rta/v2/configs/c2")).status == 404


async def test_head_tells_whether_there_is_one() -> None:
    site = RecordedSite()
    await site.buffer.publish("c1", "{}")
    head = await ask(site.app(), PATH, "HEAD")
    assert (head.status, head.headers["content-length"]) == (200, "2")
    assert (await ask(site.app(), "/rta/v2/configs/none", "HEAD")).status == 404


async def test_it_never_changes_and_is_sent_once() -> None:
    site = RecordedSite()
    await site.buffer.publish("c1", "{}")
    first = await ask(site.app(), PATH)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = await ask(site.app(), PATH, if_none_match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await ask(site.app(), PATH, if_none_match='"other"')).status == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/vnd.mat.config+ffc, application/vnd.mat.config+json", 200),
        ("application/json", 200),
        ("*/*", 200),
        ("application/vnd.mat.config+ffc", 406),
    ],
)
async def test_there_is_json_only(accept: str, status: int) -> None:
    site = RecordedSite()
    await site.buffer.publish("c1", "{}")
    assert (await ask(site.app(), PATH, accept=accept)).status == status


async def test_a_large_one_is_compressed_while_others_have_their_turns() -> None:
    site = RecordedSite()
    text = '{"parameters": [' + ", ".join(f'"ü{n:08}"' for n in range(1_000_000)) + "]}"
    await site.archive.publish("c1", text)
    asking = Asking(site.app(), PATH, accept_encoding="gzip")
    longest, last = 0.0, time.thread_time()
    done = False

    async def run() -> None:
        nonlocal done
        await asking.run()
        done = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        while not done:
            await trio.lowlevel.checkpoint()
            now = time.thread_time()
            longest, last = max(longest, now - last), now
    answer = asking.answer
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert gzip.decompress(answer.body).decode() == text
    assert len(answer.body) < len(text) / 2
    assert longest < 0.1, "one turn took so many seconds of the processor"


async def test_a_client_that_reads_nothing_stops_the_compressing() -> None:
    site = RecordedSite()
    await site.archive.publish("c1", "".join(f"{n * n}" for n in range(1_000_000)))
    slow = Asking(site.app(), PATH, accept_encoding="gzip", takes=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(slow.run)
        await slow.stalled.wait()
        slow.hang_up()
    assert len(slow.pieces) == 1
