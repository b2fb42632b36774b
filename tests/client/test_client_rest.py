"""REST answers are models, or one error that says what the service did."""

from __future__ import annotations

import json
import socket

import pytest
import trio
from real_servers import held_port

from rta.client import RestClient, open_live_stream
from rta.errors import MalformedError, NotConnectedError, RtaError, UndeliverableError, UnreadableError
from rta.testing import session_json
from rta.wire import SessionState

SESSIONS = "/rta/v2/sessions"


async def test_sessions_are_as_listed_without_those_that_cannot_be_read(serve):
    listed = [session_json("b"), '{"identity": 5}', "[]", session_json("a", "closed")]
    base = serve({SESSIONS: (200, f'{{"sessions": [{",".join(listed)}]}}'.encode())})
    found = await RestClient(f"{base}/").sessions()
    assert [(s.identity, s.state) for s in found] == [("b", SessionState.OPEN), ("a", SessionState.CLOSED)]


async def test_all_pages_are_read(serve):
    def page(*identities: str) -> tuple[int, bytes]:
        return 200, f'{{"sessions": [{",".join(map(session_json, identities))}]}}'.encode()

    pages = {SESSIONS: page("c", "b"), f"{SESSIONS}?pageIndex=1": page("b", "a"), f"{SESSIONS}?pageIndex=2": page()}
    assert [s.identity for s in await RestClient(serve(pages)).sessions()] == ["c", "b", "a"]
    whole = page("b", "a")  # of a service without pages
    base = serve({SESSIONS: whole, f"{SESSIONS}?pageIndex=1": whole})
    assert [s.identity for s in await RestClient(base).sessions()] == ["b", "a"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"5", b'{"sessions": null}', b'{"sessions": 5}', b"[" * 100_000])
async def test_what_does_not_list_sessions_is_no_rta_service(serve, body):
    base = serve({SESSIONS: (200, body)})
    with pytest.raises(UnreadableError, match=f"^{base} does not answer as an RTA service$"):
        await RestClient(base).sessions()


async def test_a_service_without_the_list_has_no_sessions(serve):
    assert await RestClient(serve({})).sessions() == []


async def test_an_identity_is_one_part_of_the_path(serve):
    base = serve({f"{SESSIONS}/a%2Fb%20%C3%A9%25": (200, session_json("a/b é%").encode())})
    found = await RestClient(base).session("a/b é%")
    assert found is not None
    assert found.identity == "a/b é%"
    assert await RestClient(base).session("else") is None


@pytest.mark.parametrize("body", [b"not json", b"[]", b"\xff", b"{}"])
async def test_a_session_that_cannot_be_read_is_malformed(serve, body):
    base = serve({f"{SESSIONS}/a": (200, body)})
    with pytest.raises(MalformedError):
        await RestClient(base).session("a")


async def test_a_configuration_is_read(serve):
    document = json.dumps({"Car": {"parameters": [], "channels": [{"id": 5}]}})
    base = serve({"/rta/v2/configs/c%2F1": (200, document.encode()), "/rta/v2/configs/bad": (200, b"\xff")})
    client = RestClient(base)
    found = await client.configuration("c/1")
    assert found is not None
    assert [c.id for c in found.applications["Car"].channels] == [5]
    assert await client.configuration("none") is None
    with pytest.raises(MalformedError):
        await client.configuration("bad")


@pytest.mark.parametrize("status", [400, 500, 503])
async def test_a_refusal_is_an_error_with_its_status(serve, status):
    base = serve({SESSIONS: (status, b"")})
    with pytest.raises(UnreadableError, match=f"^{base}{SESSIONS} answers {status}$"):
        await RestClient(base).sessions()


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", b"HTTP/1.1 x\r\n\r\n"],
)
async def test_what_is_no_http_is_an_error(serve, answer):
    base = serve({SESSIONS: answer})
    with pytest.raises((NotConnectedError, UnreadableError), match=f"^{base} "):
        await RestClient(base).sessions()


async def test_a_service_that_is_not_there_cannot_be_reached():
    with held_port() as port:
        base = f"http://127.0.0.1:{port}"
        with pytest.raises(NotConnectedError, match=f"^{base} cannot be reached: Connection refused$"):
            await RestClient(base).sessions()
        with pytest.raises(NotConnectedError, match=f"^{base} cannot be reached: Connection refused$"):
            async with open_live_stream(base, "a"):
                pass


async def test_a_service_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NotConnectedError, match=f"^{base} "):
            await RestClient(base, timeout=0.05).sessions()


async def test_a_service_that_takes_its_time_is_given_up():
    async with trio.open_nursery() as nursery:
        listening = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        base = f"http://127.0.0.1:{listening.socket.getsockname()[1]}"

        async def drip(stream: trio.SocketStream) -> None:
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            try:
                while True:
                    await stream.send_all(b" ")
                    await trio.sleep(0.01)
            except trio.BrokenResourceError:
                pass

        await nursery.start(trio.serve_listeners, drip, [listening])
        with pytest.raises(NotConnectedError, match=f"^{base} has not answered within 0.2 s$"):
            await RestClient(base, timeout=0.2).sessions()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("base", ["127.0.0.1:8180", "ftp://127.0.0.1", "", "http://"])
def test_what_is_no_base_url_is_refused_at_once(base):
    with pytest.raises(RtaError, match="is no base URL"):
        RestClient(base)


@pytest.mark.parametrize("base", ["http://[::", "http://localhost:http", "http://localhost:99999"])
def test_a_base_url_that_cannot_be_read_is_refused_at_once(base):
    with pytest.raises(RtaError, match="host or port cannot be read"):
        RestClient(base)


@pytest.mark.parametrize("base", ["http://u:S3CR3T@h", "http://u:S3CR3T", "http://h/?token=S3CR3T", "http://h#S3CR3T"])
async def test_what_may_be_a_secret_in_a_base_url_is_refused_and_not_told(base):
    with pytest.raises(RtaError) as refused:
        RestClient(base)
    with pytest.raises(RtaError) as refused_too:
        async with open_live_stream(base, "a"):
            pass
    assert "S3CR" not in f"{refused.value} {refused_too.value}"


async def test_a_stream_that_is_refused_says_why(serve):
    base = serve({f"{SESSIONS}/a%2Fb/stream": (503, b"too many connections\n")})
    with pytest.raises(UndeliverableError, match=f"^{base} refuses the stream: 503 too many connections$"):
        async with open_live_stream(base, "a/b"):
            pass
