"""Streams as a client has them: what the service says, or one error with its reason."""

from __future__ import annotations

import pytest

from rta.client import RestClient
from rta.client.streams import StreamsClient
from rta.errors import NotConnectedError, RtaError, TransportError, UnreadableError

STREAMS = "/rta/v2/streams"


def client(base: str) -> StreamsClient:
    return StreamsClient(RestClient(base))


async def test_streams_are_as_listed(serve):
    base = serve({STREAMS: (200, b'{"streams": [{"code": "a.b"}]}'), f"{STREAMS}/a.b/c%20%C3%A9": (200, b"{}")})
    assert await client(base).list() == [{"code": "a.b"}]
    assert await client(base).list("a.b", "c é") == [{}]


async def test_the_list_can_be_of_one_status(serve):
    base = serve({f"{STREAMS}?code=a.b": (200, b'{"streams": [{"code": "a.b"}]}')})
    assert await client(base).list("a.b") == [{"code": "a.b"}]


async def test_the_unnamed_stream_has_a_name_in_paths(serve):
    base = serve({f"{STREAMS}/a.b/default": (200, b'{"name": ""}')})
    assert await client(base).list("a.b", "") == [{"name": ""}]


@pytest.mark.parametrize("status", [400, 403, 404, 409])
async def test_a_refusal_is_the_services_own_reason(serve, status):
    base = serve({f"{STREAMS}/a.b/c": (status, b'{"reason": "delta: too fast", "field": "delta"}')})
    with pytest.raises(RtaError, match=r"^delta: too fast$") as refused:
        await client(base).list("a.b", "c")
    assert not isinstance(refused.value, TransportError)


async def test_a_node_that_is_away_is_no_refusal(serve):
    base = serve({STREAMS: (503, b'{"reason": "worker 0 does not answer"}')})
    with pytest.raises(NotConnectedError, match=r"^worker 0 does not answer$"):
        await client(base).list()


@pytest.mark.parametrize(("status", "body"), [(404, b"Not Found"), (403, b"[]"), (500, b'{"reason": 5}')])
async def test_an_error_without_a_reason_is_its_status(serve, status, body):
    base = serve({STREAMS: (status, body)})
    with pytest.raises(UnreadableError, match=f"^{base}{STREAMS} answers {status}$"):
        await client(base).list()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"streams": 5}', b'{"streams": [5]}', b"[" * 100_000])
async def test_what_lists_no_streams_is_no_rta_service(serve, body):
    base = serve({STREAMS: (200, body)})
    with pytest.raises(UnreadableError, match=f"^{base} does not answer as an RTA service$"):
        await client(base).list()
