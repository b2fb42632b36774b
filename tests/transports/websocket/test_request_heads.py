"""Request heads that a proxy and the edge could read in two ways. Source: RFC 9112, 11.2."""

from __future__ import annotations

import pytest
from served_edge import answering, serving

NEXT = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0",
        b"Content-Length: 0\r\nContent-Length: 0",
        b"Content-Length: 0\r\nContent-Length: 5",
        b"Content-Length: 0, 5",
        b"Content-Length: +5",
        b"Content-Length: 0x5",
        b"Content-Length : 5",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"X: y\r\n Transfer-Encoding: chunked",
        b"X: y\r\n\tcontinued",
        b"X: y\nTransfer-Encoding: chunked",
        b"X: y\rTransfer-Encoding: chunked",
        b"X: \0",
        b"Host: other",
        b"no colon",
        b"\x0bTransfer-Encoding: chunked",
    ],
)
async def test_an_ambiguous_head_is_answered_400_and_nothing_behind_it_is_read(head: bytes) -> None:
    async with serving(answering()) as served, served.visited() as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n0\r\n\r\n" + NEXT)
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"identity", b"xchunked", b"chunked, chunked", b"chunked;q=1"])
async def test_a_transfer_coding_that_is_not_known_is_answered_501(coding: bytes) -> None:
    async with serving(answering()) as served, served.visited() as client:
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n" + NEXT)
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 501 ")
        assert answer.count(b"HTTP/1.1 ") == 1


async def test_chunks_of_http_1_0_are_refused() -> None:
    async with serving(answering()) as served, served.visited() as client:
        await client.send(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT)
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_a_line_that_ends_with_a_bare_lf_is_refused_before_the_head_is_whole() -> None:
    async with serving(answering()) as served, served.visited() as client:
        await client.send(b"GET / HTTP/1.1\nHost: x\n\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_a_head_has_a_bounded_number_of_lines() -> None:
    async with serving(answering()) as served:
        for lines, status in ((126, b"200"), (127, b"431")):
            async with served.visited() as client:
                await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * lines + b"Connection: close\r\n\r\n")
                assert (await client.rest()).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("ending", [b"\r\n\r", b"\r\n", b"\r"])
async def test_the_end_of_a_line_may_come_in_two_parts(ending: bytes) -> None:
    whole = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    cut = whole.index(b"Connection") if ending == b"\r\n" else len(whole) - 4 + len(ending)
    async with serving(answering()) as served, served.visited() as client:
        await client.send(whole[:cut])
        async with served.visited() as other:  # by now the first part has been read
            await other.send(whole)
            await other.rest()
        await client.send(whole[cut:])
        assert (await client.rest()).startswith(b"HTTP/1.1 200 ")
