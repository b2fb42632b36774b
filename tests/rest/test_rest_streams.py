"""Streams and alarms over HTTP. Source: docs/streams.md, "HTTP"."""

from __future__ import annotations

import json
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio
from rta_transports.memory import MemoryTopics

from rta.actors.administrator import Administrator
from rta.actors.audit import Audit
from rta.actors.history import HistoryActor
from rta.actors.initiated_streams import InitiatedStreams
from rta.actors.node import NodeActor, NodeOutlets
from rta.actors.publisher import Publisher, PublisherOutlets
from rta.actors.streams import Streams
from rta.errors import NotConnectedError, first_error
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.inbox import Inbox
from rta.latest import Latest
from rta.metrics import Metrics
from rta.node.administration import Administration
from rta.node.listing import with_short_last
from rta.node.node import Node
from rta.node.node_stream import Now
from rta.node.stream_settings import read_stream
from rta.node.view import NodeView
from rta.ports import SessionRecord
from rta.rest import Service, make_app
from rta.rest.openapi import openapi_document
from rta.rsmp.topics import NodeTopics
from rta.stream.definition import AttributeDefinition, StatusDefinition
from rta.wire.values import Ns

START = Ns(1_800_000_000_000_000_000)
"""2027-01-15T08:00:00Z"""
V2 = "/rta/v2/streams"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


class Buffer:
    """One without sessions."""

    async def sessions(self) -> list[SessionRecord]:
        return []


async def no_metrics() -> bytes:
    return b""


def service(**changes: Any) -> Service:
    parts = {"buffer": Buffer(), "health": Health(), "metrics": no_metrics}
    return Service(label="site", description="site", host="pit-wall.example", **(parts | changes))


class BriefActors:
    """The streams of a node, whose actors run for one call at a time."""

    def __init__(self, node: Node, state_dir: Path | None, administration: bool) -> None:
        self._node = node
        self._state_dir = state_dir
        self._administration = Administration(node, state_dir, administration)

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            try:
                async with trio.open_nursery() as nursery:
                    found = await getattr(await self._start(nursery), name)(*arguments)
                    nursery.cancel_scope.cancel()
                    return found
            except ExceptionGroup as group:
                raise first_error(group) from None

        return call

    async def _start(self, nursery: trio.Nursery) -> Streams:
        metrics = Metrics(HotCounters(), dict)
        audit = Audit(None, metrics, Health())
        to_node, to_history = Inbox[Any](16), Inbox[Any](16)
        to_publisher, to_administrator = Inbox[Any](16), Inbox[Any](16)
        view = Latest(NodeView())
        history = HistoryActor(to_history, to_publisher, view, None, now, metrics)
        topics, bus = NodeTopics("n"), MemoryTopics()
        publisher = Publisher(to_publisher, topics, PublisherOutlets(bus, to_node, to_history, metrics, HotCounters()))
        outlets = NodeOutlets(to_history, Inbox(16), view, audit, metrics, Health())
        node = NodeActor(to_node, self._node, self._administration, now, outlets)
        for task in (
            history.run,
            publisher.run,
            Administrator(to_administrator, to_node, history.open, self._state_dir).run,
        ):
            nursery.start_soon(task)
        await nursery.start(node.run, {})
        return Streams(to_node, to_administrator, to_history, to_publisher, audit, now)


def now() -> Now:
    return Now(START, trio.current_time())


class Site:
    """A node of two statuses and four streams, and what clients see of it."""

    def __init__(self, state_dir: Path | None = None, administration: bool = True) -> None:
        node = Node(UTC)
        streams: Any = BriefActors(node, state_dir, administration)
        for code, attributes, names in (
            ("car.engine", ["rpm", "oil"], ["live", "start", "stop"]),
            ("car.gear", ["gear"], [""]),
        ):
            status = StatusDefinition(code, "", {a: AttributeDefinition(a) for a in attributes})
            node.add_status(status)
            for name in names:
                node.add(read_stream({"name": name, "default": "off"}, status))
        self.app = make_app(service(streams=partial(InitiatedStreams, streams)))

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | dict[str, Any] = b"",
        client: str | None = "127.0.0.1",
        base: str = V2,
        **headers: str | None,
    ) -> Answer:
        """As a program on this machine asks; None leaves a header out."""
        given = {"host": "127.0.0.1:8180", "content_type": "application/json"} | headers
        path, _, query = (base + path).partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items() if v is not None],
            "client": None if client is None else (client, 5555),
            "server": ("127.0.0.1", 8180),
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        pieces = [data[i : i + 8000] for i in range(0, len(data), 8000)] or [b""]
        said = [{"type": "http.request", "body": p, "more_body": p is not pieces[-1]} for p in pieces]
        answered: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return said.pop(0)

        async def send(message: Any) -> None:
            answered.append(message)

        await self.app(scope, receive, send)
        head = {k.decode(): v.decode() for k, v in answered[0]["headers"]}
        return Answer(answered[0]["status"], head, b"".join(m.get("body", b"") for m in answered[1:]))


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def states(site: Site) -> dict[str, str]:
    listed = (await site.ask("GET", "")).json["streams"]
    return {f"{s['code']}/{s['name']}": s["state"] for s in listed}


# ---- looking


async def test_the_list_has_every_stream_with_its_settings_and_state(site):
    answer = await site.ask("GET", "", content_type=None)
    assert answer.status == 200
    streams = answer.json["streams"]
    assert [(s["code"], s["name"]) for s in streams] == [
        ("car.engine", "live"),
        ("car.engine", "start"),
        ("car.engine", "stop"),
        ("car.gear", ""),
    ]
    assert streams[0]["delta"] == "on_change"
    assert streams[0]["state"] == "stopped"


async def test_the_list_can_be_of_one_status(site):
    assert [s["code"] for s in (await site.ask("GET", "?code=car.gear")).json["streams"]] == ["car.gear"]
    assert [s["code"] for s in (await site.ask("GET", "?code=car/gear")).json["streams"]] == ["car.gear"]
    answer = await site.ask("GET", "?code=car.wings")
    reason = "code: there is no status 'car.wings'; there are: car.engine, car.gear"
    assert (answer.status, answer.json) == (404, {"reason": reason, "field": "code"})


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/car.engine/live", "live"),
        ("/car.engine/start", "start"),
        ("/car%2Eengine/l%69ve/", "live"),
        ("/car%2Fengine/live", "live"),
        ("/car.gear", ""),
        ("/car.gear/default", ""),
    ],
)
async def test_a_stream_is_found_by_its_status_and_name(site, path, found):
    answer = await site.ask("GET", path)
    assert (answer.status, answer.json["name"]) == (200, found)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/car.engine", "name: status 'car.engine' has no stream '(unnamed)'; there are: live, start, stop"),
        ("/car.gear/live", "name: status 'car.gear' has no stream 'live'; there are: (unnamed)"),
        ("/wings/live", "code: there is no status 'wings'; there are: car.engine, car.gear"),
        ("/car.engine/live/on", "expected /rta/v2/streams/CODE, /rta/v2/streams/CODE/STREAM, or …/start and …/stop"),
    ],
)
async def test_what_is_not_there_is_404_with_the_reason(site, path, reason):
    answer = await site.ask("GET", path)
    assert (answer.status, answer.json["reason"]) == (404, reason)


async def test_anybody_may_look_whatever_the_host_and_origin(site):
    answer = await site.ask("GET", "", client="192.0.2.7", host="evil.example", origin="https://evil.example")
    assert answer.status == 200


async def test_a_site_without_statuses_has_no_streams(site):
    site.app = make_app(service())
    assert (await site.ask("GET", "")).json == {"streams": []}
    answer = await site.ask("POST", "/car.engine/live/start")
    assert (answer.status, answer.json["reason"]) == (
        404,
        "this site has no streams: its configuration has no [[status]]",
    )


async def test_head_is_as_get(site):
    assert (await site.ask("HEAD", "/car.gear")).status == 200
    assert (await site.ask("HEAD", "")).status == 200


async def test_the_last_values_are_there_while_a_stream_runs(site):
    started = (await site.ask("POST", "/car.engine/live/start")).json
    last = {"ts": "2027-01-15T08:00:00.000Z", "seq": 1, "values": {"rpm": None, "oil": None}}
    assert started["last"] == (await site.ask("GET", "/car.engine/live")).json["last"] == last
    assert [s["last"] for s in (await site.ask("GET", "")).json["streams"]] == [last, None, None, None]


def test_many_last_values_are_left_to_the_stream_itself():
    few = {"last": {"ts": "", "seq": 1, "values": {"rpm": 1.5}}}
    many = {"last": {"ts": "", "seq": 1, "values": {"group": {f"sg/{i}": i for i in range(1000)}}}}
    assert with_short_last(few) == few
    assert with_short_last(many) == {"last": {"ts": "", "seq": 1, "values": None}}
    assert with_short_last({"last": None}) == {"last": None}


# ---- start and stop


async def test_a_start_says_who_it_was_and_until_when(site, autojump_clock):
    answer = await site.ask("POST", "/car.engine/live/start", {"timeout": 600, "consumer": "tmc"})
    assert answer.status == 200
    assert answer.json["state"] == "running"
    assert answer.json["started_by"] == "http (127.0.0.1)"
    assert answer.json["prune_at"] == "2027-01-15T08:10:00.000Z"
    assert answer.json["consumers"] == {"tmc": "unknown"}


async def test_the_body_of_a_start_may_be_missing_empty_or_null(site):
    for body in (b"", b" ", {}, {"timeout": None, "consumer": None}):
        assert (await site.ask("POST", "/car.engine/live/start", body)).status == 200


async def test_a_stop_stops(site):
    await site.ask("POST", "/car.engine/live/start")
    answer = await site.ask("POST", "/car.engine/live/stop")
    assert (answer.status, answer.json["state"]) == (200, "stopped")
    assert answer.json["stopped_by"] == "http (127.0.0.1)"


async def test_the_unnamed_stream_is_started_without_a_name_and_as_default(site):
    await site.ask("POST", "/car.gear/start")
    assert (await states(site))["car.gear/"] == "running"
    await site.ask("POST", "/car.gear/default/stop")
    assert (await states(site))["car.gear/"] == "stopped"


async def test_a_timeout_is_taken_and_refused_as_the_openapi_document_says(site):
    bounds = openapi_document()["components"]["schemas"]["Start"]["properties"]["timeout"]["anyOf"][0]
    for timeout, status in (
        (bounds["maximum"], 200),
        (bounds["maximum"] + 1, 400),
        (bounds["exclusiveMinimum"] + 0.001, 200),
        (bounds["exclusiveMinimum"], 400),
    ):
        answer = await site.ask("POST", "/car.engine/live/start", {"timeout": timeout})
        assert answer.status == status


async def test_a_stream_called_start_is_started_as_such_and_not_taken_for_the_action(site):
    answer = await site.ask("POST", "/car.engine/start")  # of the unnamed one, which it does not have
    assert (answer.status, answer.json["field"]) == (404, "name")
    await site.ask("POST", "/car.engine/start/start")
    await site.ask("POST", "/car.engine/stop/start")
    running = [k for k, state in (await states(site)).items() if state == "running"]
    assert running == ["car.engine/start", "car.engine/stop"]
    await site.ask("POST", "/car.engine/stop/stop")
    assert (await states(site))["car.engine/stop"] == "stopped"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1.5}, "timeout"),
        ({"timeout": "10m"}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"timeout": 10**400}, "timeout"),
        ({"consumer": 5}, "consumer"),
        ({"consumer": "a/#"}, "consumer"),
        ({"consumer": ""}, "consumer"),
        ({"timout": 5}, "timout"),
    ],
)
async def test_a_start_with_a_field_that_cannot_be_is_refused(site, body, field):
    answer = await site.ask("POST", "/car.engine/live/start", body)
    assert (answer.status, answer.json["field"]) == (400, field)
    assert answer.json["reason"].startswith(f"{field}: ")
    assert (await states(site))["car.engine/live"] == "stopped"


async def test_a_stop_takes_no_fields(site):
    answer = await site.ask("POST", "/car.engine/live/stop", {"timeout": 5})
    assert (answer.status, answer.json["field"]) == (400, "timeout")


# ---- administration


async def test_a_stream_is_added_edited_and_removed(site):
    added = await site.ask("POST", "", {"code": "car.engine", "name": "slow", "delta": "5s", "default": "off"})
    assert (added.status, added.json["name"], added.json["delta"]) == (201, "slow", "5s")
    edited = await site.ask("PATCH", "/car.engine/slow", {"update": "2min", "delta": None})
    assert (edited.status, edited.json["update"], edited.json["delta"]) == (200, "2min", "on_change")
    removed = await site.ask("DELETE", "/car.engine/slow")
    assert (removed.status, removed.body) == (204, b"")
    assert (await site.ask("GET", "/car.engine/slow")).status == 404


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"code": "car.engine", "name": "live"}, 409, "name"),
        ({"code": "car.gear", "name": "second"}, 409, "name"),
        ({"code": "car.engine"}, 409, "name"),
        ({"code": "car.wings", "name": "x"}, 404, "code"),
        ({"name": "x"}, 400, "code"),
        ({"code": 5}, 400, "code"),
        ({"code": "car.engine", "name": "a/b"}, 400, "name"),
        ({"code": "car.engine", "name": "x", "attributes": {"speed": "change"}}, 400, "attributes.speed"),
        ({"code": "car.engine", "name": "x", "prune": {"timeout": "soon"}}, 400, "prune.timeout"),
        ({"code": "car.engine", "name": "x", "update": 10**400}, 400, "update"),
        ({"code": "car.engine", "name": "x", "colour": "red"}, 400, "colour"),
        ({"code": "car.engine", "name": "x", "description": "\ud800"}, 400, "description"),
    ],
)
async def test_an_addition_that_is_refused_names_the_field(site, fields, status, field):
    before = await states(site)
    answer = await site.ask("POST", "", fields)
    assert (answer.status, answer.json.get("field")) == (status, field)
    assert await states(site) == before


async def test_an_edit_that_is_refused_names_the_field(site):
    answer = await site.ask("PATCH", "/car.gear", {"delta": "never"})
    assert (answer.status, answer.json["field"]) == (400, "delta")
    answer = await site.ask("PATCH", "/car.gear", {"name": "other"})
    assert (answer.status, answer.json["field"]) == (400, "name")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"code": "car.engine", "name": "x"}),
        ("PATCH", "/car.gear", {"qos": 1}),
        ("DELETE", "/car.gear", b""),
    ],
)
async def test_administration_may_be_off_or_without_a_place_for_its_changes(tmp_path, method, path, body):
    off = await Site(tmp_path, administration=False).ask(method, path, body)
    assert off.status == 403
    assert off.json["reason"].startswith("administration is not allowed at this node")
    nowhere = await Site(None).ask(method, path, body)
    assert nowhere.status == 403
    assert nowhere.json["reason"].startswith("there is no state directory to keep changes in")


async def test_a_change_that_cannot_be_kept_is_503_and_does_not_take_effect(tmp_path):
    (tmp_path / "file").write_text("")
    site = Site(tmp_path / "file")
    answer = await site.ask("DELETE", "/car.gear")
    assert answer.status == 503
    assert "cannot be kept" in answer.json["reason"]
    assert "car.gear/" in await states(site)


# ---- methods and bodies


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "", "GET, HEAD, POST"),
        ("OPTIONS", "", "GET, HEAD, POST"),
        ("POST", "/car.engine", "GET, HEAD, PATCH, DELETE"),
        ("POST", "/car.engine/live", "GET, HEAD, PATCH, DELETE"),
        ("GET", "/car.engine/live/start", "POST"),
    ],
)
async def test_another_method_is_405_with_those_there_are(site, method, path, allowed):
    answer = await site.ask(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.json["reason"].startswith(method)


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"[]",
        b"5",
        b"null",
        b'{"timeout": NaN}',
        b'{"timeout": -Infinity}',
        b'{"timeout": 1e999}',
        b'{"timeout": 5, "timeout": 6}',
        b"\xff",
        b"[" * 60_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"timeout": 5',
    ],
)
async def test_a_body_that_is_no_plain_json_object_is_400(site, body):
    answer = await site.ask("POST", "/car.engine/live/start", body)
    assert answer.status == 400
    assert (await states(site))["car.engine/live"] == "stopped"


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PATCH", "/car.gear")])
async def test_what_needs_fields_needs_a_body(site, method, path):
    answer = await site.ask(method, path)
    assert (answer.status, answer.json["reason"]) == (400, "expected a JSON object as the body")


@pytest.mark.parametrize("length", [(64 << 10) + 1, 3 << 20])
async def test_a_body_over_64_kib_is_413(site, length):
    answer = await site.ask("POST", "/car.engine/live/start", b" " * length)
    assert answer.status == 413
    assert (await states(site))["car.engine/live"] == "stopped"


async def test_a_body_of_64_kib_is_taken(site):
    assert (await site.ask("POST", "/car.engine/live/start", b" " * (64 << 10))).status == 200


async def test_a_call_that_did_not_come_whole_is_none(site):
    """The beginning of `{"timeout": 600}` may well be a good start for ever."""
    said = [{"type": "http.request", "body": b"", "more_body": True}, {"type": "http.disconnect"}]
    path = f"{V2}/car.engine/live/start"
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}

    async def receive() -> dict[str, Any]:
        return said.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError("there is nobody to answer")

    await site.app({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, receive, send)
    assert (await states(site))["car.engine/live"] == "stopped"


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_what_is_not_said_to_be_json_is_415(site, kind):
    for method, path in (("POST", ""), ("POST", "/car.gear/start"), ("PATCH", "/car.gear"), ("DELETE", "/car.gear")):
        assert (await site.ask(method, path, content_type=kind)).status == 415


async def test_json_may_be_said_with_its_character_set(site):
    kind = "Application/JSON; charset=utf-8"
    assert (await site.ask("POST", "/car.gear/start", content_type=kind)).status == 200


# ---- who may


WRITES = [("POST", ""), ("PATCH", "/car.gear"), ("DELETE", "/car.gear"), ("POST", "/car.gear/start")]


@pytest.mark.parametrize("client", ["192.0.2.7", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "", None])
@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_changes_are_taken_from_this_machine_only(site, method, path, client):
    answer = await site.ask(method, path, b"{}", client)
    assert answer.status == 403
    assert "from this machine only" in answer.json["reason"]


@pytest.mark.parametrize("client", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
async def test_every_loopback_address_is_this_machine(site, client):
    assert (await site.ask("POST", "/car.gear/start", b"", client)).status == 200


@pytest.mark.parametrize("header", ["forwarded", "x_forwarded_for", "x_real_ip"])
async def test_who_comes_through_a_proxy_is_not_this_machine(site, header):
    answer = await site.ask("POST", "/car.gear/start", **{header: "127.0.0.1"})
    assert answer.status == 403
    assert "not through a proxy" in answer.json["reason"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1:9000",
        "http://localhost:8180",
        "http://127.0.0.1",
        "null",
        "",
        "file://",
        "http://evil@127.0.0.1:8180",
    ],
)
@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_a_page_of_another_origin_may_change_nothing(site, method, path, origin):
    answer = await site.ask(method, path, b"{}", origin=origin)
    assert (answer.status, answer.json) == (403, {"reason": "changes are not taken from pages of other sites"})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8180", "127.0.0.1:8180"),
        ("http://LOCALHOST:8180", "localhost:8180"),
        ("http://localhost", "localhost:80"),
        ("https://pit-wall.example", "Pit-Wall.example"),
        ("http://[::1]:8180", "[::1]:8180"),
    ],
)
async def test_a_page_of_our_own_origin_may(site, origin, host):
    assert (await site.ask("POST", "/car.gear/start", origin=origin, host=host)).status == 200


@pytest.mark.parametrize("host", ["evil.example:8180", "127.0.0.1.evil.example", "localhost.evil.example", "", None])
async def test_a_name_that_others_may_give_to_our_address_is_not_ours(site, host):
    answer = await site.ask("POST", "/car.gear/start", host=host)
    assert answer.status == 403
    assert "edge.host" in answer.json["reason"]


# ---- where the node cannot be reached


class Unreachable:
    async def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        raise NotConnectedError("the node is away")

    async def start(
        self, code: str, name: str, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        raise NotConnectedError("the node is away")


async def test_a_node_that_cannot_be_reached_is_503(site):
    site.app = make_app(service(streams=lambda by: Unreachable()))
    for method, path in (("GET", ""), ("POST", "/car.gear/start")):
        answer = await site.ask(method, path)
        assert (answer.status, answer.json) == (503, {"reason": "the node is away"})


# ---- alarms, beside them

ALARMS = [{"code": "car.oil", "active": True, "description": "Öl \ud800"}, {"code": "car.quiet", "active": False}]


@pytest.fixture
def alarms(site) -> Site:
    async def listed(active_only: bool, history: bool) -> list[dict[str, Any]]:
        more = {"history": []} if history else {}
        return [{**a, **more} for a in ALARMS if a["active"] or not active_only]

    site.app = make_app(service(alarms=listed))
    return site


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("/rta/v2/alarms", ["car.oil", "car.quiet"]),
        ("/rta/v2/alarms/", ["car.oil", "car.quiet"]),
        ("/x/rta/v2/alarms?active=false", ["car.oil", "car.quiet"]),
        ("/rta/v2/alarms?active=true", ["car.oil"]),
    ],
)
async def test_alarms_are_listed_all_or_those_that_are_active(alarms, path, codes):
    answer = await alarms.ask("GET", path, base="")
    assert (answer.status, [alarm["code"] for alarm in answer.json["alarms"]]) == (200, codes)


async def test_alarms_are_listed_with_their_history_where_it_is_asked_for(alarms):
    for query, there in (("", False), ("?history=no", False), ("?active=1&history=true", True)):
        answer = await alarms.ask("GET", "/rta/v2/alarms" + query, base="")
        assert ["history" in alarm for alarm in answer.json["alarms"]] == [there] * len(answer.json["alarms"])


async def test_a_list_of_alarms_that_cannot_be_is_refused_with_its_field(alarms):
    answer = await alarms.ask("GET", "/rta/v2/alarms?active=perhaps", base="")
    assert (answer.status, answer.json) == (400, {"reason": "active: expected true or false", "field": "active"})


async def test_a_site_without_a_node_has_no_alarms(site):
    assert (await site.ask("GET", "/rta/v2/alarms", base="")).json == {"alarms": []}
