"""What the workers of one service ask of each other over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import Response

from rta.errors import NotConnectedError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.metrics import Metrics
from rta.node.node_stream import Initiator, Refused
from rta.ports import FollowedNode
from rta.ports.access import Role, Subject
from rta.rest import Service, make_app
from rta.rest.signed_in import SUBJECT
from rta.workers import ForwardingApp, Membership, MetricsExchange, serve_locally
from rta.workers.local_http import WORKER, WorkerAccess, local_peer, request_locally

App = Callable[[Any, Any, Any], Awaitable[None]]

V2 = "/rta/v2"
AWAY = {"reason": "worker 0, which has the streams, does not answer now; look before you try again"}


def member(folder: Path, index: int, count: int = 2) -> Membership:
    return Membership(index, count, 0, folder, -1)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: App,
    method: str,
    path: str,
    body: bytes = b"",
    client: str | None = "127.0.0.1",
    raw_path: bool = True,
    cut: bool = False,
    **headers: str | None,
) -> Answer | None:
    """As somebody asks at the port of a worker. `cut`: who hangs up before the end; there may be no answer then."""
    given = {"host": "127.0.0.1:8180", "content_type": "application/json"} | headers
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items() if v is not None],
        "client": None if client is None else (client, 5555),
    }
    if raw_path:
        scope["raw_path"] = path.encode()
    said = [{"type": "http.request", "body": body, "more_body": cut}, {"type": "http.disconnect"}]
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return said.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    await app(scope, receive, send)
    if not answered:
        return None
    head = {k.decode(): v.decode() for k, v in answered[0]["headers"]}
    return Answer(answered[0]["status"], head, b"".join(m.get("body", b"") for m in answered[1:]))


class Streams:
    """Of a node with one stream; notes what it is asked, and by whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.by: Initiator | None = None

    def of(self, by: Initiator) -> Streams:
        self.by = by
        return self

    async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        self.asked.append(("list", code, name))
        if code not in (None, "car.gear"):
            raise Refused("there is no such status", "code")
        return [{"code": "car.gear", "description": "Öl \ud800"}]

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        self.asked.append(("start", code, name, timeout, consumer))
        return {"state": "running", "by": str(self.by)}

    async def remove(self, code: str, name: str) -> None:
        self.asked.append(("remove", code, name))


async def no_metrics() -> bytes:
    return b"metrics"


class Buffer:
    async def sessions(self) -> list[Any]:
        return []


async def list_alarms(active_only: bool, history: bool) -> list[dict[str, Any]]:
    return [] if active_only else [{"code": "car.oil"}]


def app_of(streams: Streams | None, node: App | None = None) -> App:
    shown = Service(
        label="site",
        description="site",
        host="pit-wall.example",
        buffer=Buffer(),
        health=Health(),
        metrics=no_metrics,
        streams=None if streams is None else streams.of,
        alarms=list_alarms,
        nodes=lambda: [("plant", FollowedNode("dk/tlc-1", "online", 1, False, None, True, ()))],
    )
    return make_app(shown, node)


@asynccontextmanager
async def served(folder: Path, app: App, index: int = 0) -> AsyncIterator[None]:
    """While a worker serves the others."""
    path = member(folder, index).socket_of(index)

    async def serves() -> bool:
        try:
            async with await trio.open_unix_socket(path):
                return True
        except OSError:
            return False

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_locally, path, app)
        with trio.fail_after(50):
            while not await serves():
                await trio.lowlevel.checkpoint()
        yield
        nursery.cancel_scope.cancel()


REQUESTS: list[tuple[str, str, bytes, dict[str, Any]]] = [
    ("GET", f"{V2}/streams", b"", {}),
    ("GET", f"/base{V2}//streams/?code=car%2Fgear", b"", {}),
    ("GET", f"{V2}/streams?code=car.wings", b"", {}),
    ("HEAD", f"{V2}/streams/car%2Egear", b"", {}),
    ("GET", f"{V2}/streams/car.gear/a/b", b"", {}),
    ("PUT", f"{V2}/streams", b"", {}),
    ("POST", f"{V2}/streams/car.gear/start", b'{"timeout": 5}', {}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"client": "127.1.2.3"}),
    ("POST", f"{V2}/streams/car.gear/start", b"{", {}),
    ("POST", f"{V2}/streams/car.gear/start", b" " * (64 << 10), {}),
    ("POST", f"{V2}/streams/car.gear/start", b" " * ((64 << 10) + 1), {}),
    ("DELETE", f"{V2}/streams/car.gear", b"", {}),
    ("GET", f"{V2}/alarms", b"", {}),
    ("GET", f"{V2}/alarms?active=true", b"", {}),
    ("GET", f"{V2}/alarms?history=true", b"", {}),
    ("GET", f"{V2}/nodes", b"", {}),
    ("GET", f"{V2}/nodes?node=dk%2Ftlc-1", b"", {}),
    ("GET", f"{V2}/nodes?node=a&node=b", b"", {}),
    ("POST", f"{V2}/alarms", b"", {}),
    # who may not
    ("POST", f"{V2}/streams/car.gear/start", b"", {"client": "192.0.2.7"}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"client": "192.0.2.7", "x_rta_client": "127.0.0.1"}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"client": None}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"client": None, "x_rta_client": "127.0.0.1"}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"x_forwarded_for": "127.0.0.1"}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"via": "1.1 proxy"}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"origin": "https://evil.example"}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"host": "evil.example"}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"host": None}),
    ("POST", f"{V2}/streams/car.gear/start", b"", {"content_type": "text/plain"}),
]


@pytest.mark.parametrize(("method", "path", "body", "how"), REQUESTS)
async def test_the_answer_is_the_one_of_the_first_worker_whoever_is_asked(tmp_path, method, path, body, how):
    here, there = Streams(), Streams()
    expected = await ask(app_of(here), method, path, body, **how)
    async with served(tmp_path, app_of(there)):
        other = app_of(None, ForwardingApp(member(tmp_path, 1)))
        answer = await ask(other, method, path, body, **how)
    if method == "HEAD":
        assert expected is not None
        expected = expected._replace(body=b"")  # which the edge does where it is asked itself
    assert answer == expected
    assert there.asked == here.asked


async def test_the_address_of_the_client_is_the_one_that_is_noted(tmp_path):
    async with served(tmp_path, app_of(Streams())):
        other = app_of(None, ForwardingApp(member(tmp_path, 1)))
        answer = await ask(other, "POST", f"{V2}/streams/car.gear/start", client="127.1.2.3", x_rta_client="127.9.9.9")
    assert answer is not None
    assert answer.json["by"] == "http (127.1.2.3)"


async def test_a_path_that_comes_decoded_only_is_found(tmp_path):
    async with served(tmp_path, app_of(Streams())):
        other = app_of(None, ForwardingApp(member(tmp_path, 1)))
        answer = await ask(other, "GET", f"{V2}/streams/é", raw_path=False)
    assert answer is not None
    assert (answer.status, answer.json["field"]) == (400, "code")


async def test_everything_else_is_answered_by_whoever_is_asked(tmp_path):
    other = app_of(None, ForwardingApp(member(tmp_path, 1)))
    answer = await ask(other, "GET", "/metrics")
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"metrics")


async def test_a_request_that_did_not_come_whole_is_not_forwarded(tmp_path):
    streams = Streams()
    async with served(tmp_path, app_of(streams)):
        other = app_of(None, ForwardingApp(member(tmp_path, 1)))
        assert await ask(other, "POST", f"{V2}/streams/car.gear/start", b"", cut=True) is None
    assert streams.asked == []


async def test_many_may_ask_at_once(tmp_path):
    streams, statuses = Streams(), []
    other = app_of(None, ForwardingApp(member(tmp_path, 1)))

    async def start(number: int) -> None:
        answer = await ask(other, "POST", f"{V2}/streams/car.gear/{number}/start")
        statuses.append(answer and answer.status)

    async with served(tmp_path, app_of(streams)), trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(start, number)
    assert statuses == [200] * 50
    assert {name for _, _, name, *_ in streams.asked} == {str(n) for n in range(50)}


@pytest.mark.parametrize("size", [0, 3_000_000])
async def test_an_answer_may_be_long_and_come_in_pieces(tmp_path, size):
    async def long(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"a" * size, b"b" * size, b""):
            await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})

    async with served(tmp_path, long if size else app_of(Streams())):
        answer = await request_locally(member(tmp_path, 0).socket_of(0), "GET", b"/metrics")
    assert answer.body == (b"a" * size + b"b" * size if size else b"metrics")


# ---- a first worker that does not do what it should


async def away(folder: Path) -> Answer:
    answer = await ask(app_of(None, ForwardingApp(member(folder, 1))), "GET", f"{V2}/streams")
    assert answer is not None
    return answer


async def test_a_first_worker_that_is_not_there_is_503(tmp_path):
    answer = await away(tmp_path)
    assert (answer.status, answer.json) == (503, AWAY)


async def test_a_first_worker_that_does_not_come_to_an_end_is_given_up(tmp_path, autojump_clock):
    async def never(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep_forever()

    async with served(tmp_path, never):
        began = trio.current_time()
        answer = await away(tmp_path)
        assert trio.current_time() - began < 10
    assert (answer.status, answer.json) == (503, AWAY)


async def test_who_waits_for_a_turn_is_not_kept_waiting_longer(tmp_path, autojump_clock):
    async def never(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep_forever()

    other = app_of(None, ForwardingApp(member(tmp_path, 1)))
    answers: list[Answer | None] = []

    async def start() -> None:
        answers.append(await ask(other, "GET", f"{V2}/streams"))

    async with served(tmp_path, never):
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(40):
                nursery.start_soon(start)
        assert trio.current_time() - began < 10
    assert [answer and answer.status for answer in answers] == [503] * 40


async def test_a_request_that_fails_is_an_error_of_its_own(tmp_path, caplog):
    class Wrong(Streams):
        async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
            raise LookupError("a mistake")

    async with served(tmp_path, app_of(Wrong())):
        for _ in range(2):
            assert (await away(tmp_path)).status == 500
        other = app_of(None, ForwardingApp(member(tmp_path, 1)))
        answer = await ask(other, "GET", f"{V2}/alarms")
    assert answer is not None
    assert answer.status == 200


async def test_an_answer_that_breaks_off_is_none(tmp_path):
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"beginning", "more_body": True})
        raise LookupError("a mistake")

    async with served(tmp_path, breaks):
        answer = await away(tmp_path)
    assert (answer.status, answer.json) == (503, AWAY)


@pytest.mark.parametrize(
    "sent", [b"", b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab"]
)
async def test_what_is_no_whole_request_disturbs_nobody(tmp_path, sent):
    async with served(tmp_path, app_of(Streams())):
        async with await trio.open_unix_socket(member(tmp_path, 0).socket_of(0)) as stream:
            await stream.send_all(sent)
            await stream.send_eof()
            with trio.fail_after(50):
                assert await stream.receive_some() == b""
        assert (await away(tmp_path)).status == 200


async def test_what_is_no_answer_is_no_connection(tmp_path):
    async def nonsense(stream: trio.SocketStream) -> None:
        await stream.send_all(b"nonsense\r\n\r\n")
        await stream.aclose()

    path = member(tmp_path, 0).socket_of(0)
    with trio.socket.socket(trio.socket.AF_UNIX) as listening:
        await listening.bind(str(path))
        listening.listen()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, nonsense, [trio.SocketListener(listening)])
            with pytest.raises(NotConnectedError, match=r"0\.sock"):
                await request_locally(path, "GET", b"/")
            nursery.cancel_scope.cancel()


# ---- the socket


async def test_a_worker_that_replaces_another_serves_in_its_place(tmp_path):
    member(tmp_path, 0).socket_of(0).touch()  # the one before was killed
    async with served(tmp_path, app_of(Streams())):
        assert (await away(tmp_path)).status == 200


async def test_the_socket_is_for_our_user_alone(tmp_path):
    async with served(tmp_path, app_of(Streams())):
        assert member(tmp_path, 0).socket_of(0).stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_has_gone_ends_the_service_of_it(tmp_path):
    with trio.fail_after(50):
        await serve_locally(tmp_path / "gone" / "0.sock", app_of(None))


# ---- metrics


async def test_the_metrics_of_all_workers_that_answer_are_one(tmp_path):
    async def other(scope: Any, receive: Any, send: Any) -> None:
        body = Metrics(HotCounters(bursts_out=4), dict).render()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def ours() -> bytes:
        return Metrics(HotCounters(bursts_out=3), dict).render()

    async with served(tmp_path, other, index=1):
        text = await MetricsExchange(member(tmp_path, 0, count=3), ours).gather()
    samples = [sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples]
    assert [sample.value for sample in samples if sample.name == "rta_bursts_out_total"] == [7]


# ---- who asks


async def test_only_workers_say_who_asks(tmp_path):
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope[SUBJECT], dict(scope["headers"])))
        await Response(b"")(scope, receive, send)

    anna = Subject("anna \u20ac\r\n", Role.OPERATE, 5, "mark")
    pretended = [
        (b"x-rta-subject", b'["root", 3, null, ""]'),
        (b"x-rta-client", b"::1"),
        (b"authorization", b"Bearer t"),
    ]
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_locally, tmp_path / "s", app)
        await request_locally(tmp_path / "s", "GET", b"/", pretended, client="192.0.2.1", subject=anna)
        scope = {"client": ("192.0.2.1", 5), SUBJECT: anna}
        async with local_peer(tmp_path / "s").request("GET", b"/", WorkerAccess().of_client(scope, pretended)):
            pass
        async with local_peer(tmp_path / "s").request("GET", b"/", WorkerAccess().ours()):
            pass
        async with local_peer(tmp_path / "s").request("GET", b"/"):
            pass
        nursery.cancel_scope.cancel()
    assert [subject for subject, _ in seen] == [anna, anna, WORKER, Subject("", None)]
    for _, headers in seen:
        assert not set(headers) & {b"x-rta-subject", b"x-rta-client", b"authorization"}
