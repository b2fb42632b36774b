"""One request and its answer on the edge. Source: docs/operations.md, "Bounds of connections"."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
import trio
from served_edge import PATIENCE, answering, serving

from rta.testing.patience import until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the method and the body."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        body, more = body + message["body"], message["more_body"]
    answer = scope["method"].encode() + b" " + body
    length = (b"content-length", b"%d" % len(answer))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": answer})


# ---- answers


@pytest.mark.parametrize(
    "request_", [b"GET / HTTP/1.1\r\nHost: x\r\nConnection: x, Close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"]
)
async def test_the_connection_ends_with_a_short_answer_where_the_client_says_so(request_: bytes) -> None:
    async with serving(echo) as served, served.visited() as client:
        await client.send(GET)
        assert b"connection: close" not in await client.until(b"GET ")
        await client.send(request_)
        answer = await client.rest()
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.endswith(b"\r\n\r\nGET ")


async def test_an_answer_of_unknown_length_is_chunked_and_the_connection_goes_on() -> None:
    async with serving(answering(b"one", b"two")) as served, served.visited() as client:
        for _ in range(2):
            await client.send(GET)
            head = await client.until(b"\r\n\r\n")
            assert b"transfer-encoding: chunked" in head.lower()
            assert await client.until(b"0\r\n\r\n") == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_an_answer_of_unknown_length_to_http_1_0_ends_with_the_connection() -> None:
    async with serving(answering(b"one", b"two")) as served, served.visited() as client:
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.rest()).endswith(b"\r\n\r\nonetwo")


@pytest.mark.parametrize(("request_line", "status"), [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
async def test_an_answer_that_must_have_no_body_has_none(request_line: bytes, status: int) -> None:
    async with serving(answering(b"body", status=status)) as served, served.visited() as client:
        await client.send(GET.replace(b"GET", request_line) + b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 %d " % status)
        assert (await client.rest()).startswith(b"HTTP/1.1 ")


async def test_an_answer_says_when_it_was_made() -> None:
    async with serving(answering()) as served, served.visited() as client:
        await client.send(GET)
        assert b"\r\ndate: " in (await client.until(b"\r\n\r\n")).lower()


async def test_what_the_application_fails_to_answer_is_500() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async with serving(silent) as served, served.visited() as client:
        await client.send(GET)
        assert (await client.rest()).startswith(b"HTTP/1.1 500 ")


async def test_an_application_that_fails_within_its_answer_ends_the_connection_and_is_logged() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise LookupError("a fault of the test, on purpose")

    with structlog.testing.capture_logs() as logs:
        async with serving(failing) as served, served.visited() as client:
            await client.send(GET)
            assert (await client.rest()).endswith(b"\r\n\r\nhalf")
    assert [entry["path"] for entry in logs if entry["log_level"] == "error"] == ["/"]


async def test_an_answer_before_the_body_has_come_is_the_last() -> None:
    async def early(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async with serving(early) as served, served.visited() as client:
        await client.send(POST + b"Content-Length: 100000\r\n\r\nonly this")
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"connection: close" in answer.lower()


# ---- bodies


async def test_who_expects_100_continue_is_told_to_go_on() -> None:
    async with serving(echo) as served, served.visited() as client:
        await client.send(POST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
        await client.send(b"body")
        assert (await client.until(b"POST body")).startswith(b"HTTP/1.1 200 ")


async def test_requests_with_bodies_may_be_sent_ahead() -> None:
    async with serving(echo) as served, served.visited() as client:
        bodies = [POST + b"Content-Length: 1\r\n\r\n%d" % n for n in range(9)]
        chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: t\r\n\r\n"
        await client.send(b"".join(bodies) + chunked + GET)
        for n in range(9):
            await client.until(b"POST %d" % n)
        await client.until(b"POST abc")
        await client.until(b"GET ")


async def test_a_body_of_chunks_of_one_byte_is_taken() -> None:
    body = b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
    async with serving(echo) as served, served.visited() as client:
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        await client.until(b"POST " + b"x" * 20_000)


@pytest.mark.parametrize("body", [b"zz\r\n", b"1\r\nxyz\r\n", b"-1\r\n", b"1\nx\r\n0\r\n\r\n"])
async def test_a_body_that_is_no_body_is_answered_400_and_the_end(body: bytes) -> None:
    async with serving(echo) as served, served.visited() as client:
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"\r\n\r\n" + GET)
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_body_that_is_cut_off_is_told_to_the_application() -> None:
    told: list[str] = []
    over = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request":
            pass
        told.append(message["type"])
        over.set()

    async with serving(app) as served:
        async with served.visited() as client:
            await client.send(POST + b"Content-Length: 10\r\n\r\nhalf")
        await over.wait()
    assert told == ["http.disconnect"]


async def test_an_application_learns_while_it_waits_that_the_client_has_gone() -> None:
    over = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        over.set()

    async with serving(app) as served:
        async with served.visited() as client:
            await client.send(GET + GET)
        await over.wait()


# ---- time


async def test_a_body_that_trickles_is_answered_408() -> None:
    options = {"handshake_timeout": 0.2, "least_rate": 1 << 20}
    async with serving(echo, **options) as served, served.visited() as client, trio.open_nursery() as nursery:

        async def trickle() -> None:
            await client.send(POST + b"Content-Length: 100000000\r\n\r\n")
            try:
                while True:
                    await client.stream.send_all(b"x")
            except trio.BrokenResourceError:
                pass

        nursery.start_soon(trickle)
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")
        assert served.refused("body") == 1
        nursery.cancel_scope.cancel()


async def test_a_body_has_a_deadline_as_a_whole_too() -> None:
    async with serving(echo, body_timeout=0.2, least_rate=1) as served, served.visited() as client:
        await client.send(POST + b"Content-Length: 100000\r\n\r\n" + b"x" * 10_000)
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")


async def test_an_answer_that_nobody_takes_is_given_up() -> None:
    gone = trio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        except OSError:
            gone.set()
            raise

    async with serving(endless, stall_timeout=0.2) as served, served.visited() as client:
        await client.send(GET)
        await gone.wait()
        await until(lambda: served.refused("stalled") == 1, PATIENCE, "a count of it")


async def test_an_answer_comes_whole_though_its_client_does_other_things_meanwhile() -> None:
    size = 4 << 20
    async with serving(answering(bytes(size))) as served, served.visited() as client:
        await client.send(GET)
        await client.until(b"\r\n\r\n")
        received = len(client.received)
        while received < size:
            async with served.visited() as other:
                await other.send(b"HEAD / HTTP/1.0\r\n\r\n")
                await other.rest()
            received += len(await client.stream.receive_some(256 << 10))
