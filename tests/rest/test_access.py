"""Each call is for those who have its role, and for nobody else."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
import trio
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Route

import rta.rest.app
from rta.ports.access import Role, Subject
from rta.rest.access import ACCESS, METRICS, STREAMS, WEBSOCKET, Access, access_at
from rta.rest.app import routes_of
from rta.rest.signed_in import SUBJECT
from rta.rest.streams import _ACTIONS, _OF_ALL, _OF_ONE

from .recorded import RecordedSite
from .signing_in import ALLOWED, CERTIFICATE, HOST, GuardedSite, ask, bearer

CALLS = [access for access in ACCESS if access.method != WEBSOCKET]
VALUES = {
    "identity": "car",
    "channels": "-",
    "kind": "row",
    "identifier": "c",
    "parent": "f",
    "file": "index.html",
    "target": "car.gear",
}
V2 = "/rta/v2"
ROUTES = routes_of(RecordedSite().service())
WHO: dict[str, dict[str, str]] = {
    "nobody": {},
    "wrong": {"authorization": "Bearer rta_wrong"},
    "malformed": {"authorization": "Basic YTpi"},
    **{role.name: bearer(role) for role in Role},
}


def path_of(template: str) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda m: VALUES[m[1]], template)


def test_the_table_has_what_there_is_and_nothing_else() -> None:
    of_streams = {("GET", STREAMS), ("POST", STREAMS)}
    of_streams |= {(method, STREAMS + "/{target:path}") for method in ("GET", "PATCH", "DELETE", "POST")}
    routed = {(m, r.path) for r in ROUTES for m in r.methods or () if m != "HEAD"} | of_streams
    assert {(access.method, access.path) for access in CALLS} == routed
    assert [a.path for a in ACCESS if a.method == WEBSOCKET] == [V2 + "/sessions/{identity}/stream"]
    assert len({(a.method, a.path) for a in ACCESS}) == len(ACCESS)


def test_the_verbs_of_streams_have_the_roles_of_the_table() -> None:
    verbs = {(method, STREAMS): verb for method, verb in _OF_ALL.items() if method != "HEAD"}
    verbs |= {(method, STREAMS + "/{target:path}"): verb for method, verb in _OF_ONE.items() if method != "HEAD"}
    roles = {key: {verb.role} for key, verb in verbs.items()}
    roles["POST", STREAMS + "/{target:path}"] = {verb.role for verb in _ACTIONS.values()}
    assert roles == {(a.method, a.path): {a.role} for a in ACCESS if a.path.startswith(STREAMS)}


SEGMENTS = [s for route in ROUTES for s in route.path.split("/")]


@settings(max_examples=examples(300))
@given(st.lists(st.sampled_from(SEGMENTS) | st.text("ab/%.2Fe{}", max_size=4), max_size=9))
def test_a_path_is_looked_up_as_it_is_routed(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    scope = {"type": "http", "path": path, "root_path": "", "method": "GET"}
    found = [route.path for route in ROUTES if route.matches(scope)[0] is not Match.NONE]
    calls = access_at(path)
    assert (None if calls is None else next(iter(calls.values())).path) == (found[0] if found else None)


def expected(access: Access, who: str) -> set[int]:
    """What whoever may not make the call is answered; empty: they may."""
    if access.role is None or (who in Role.__members__ and Role[who] >= access.role):
        return set()
    return {403} if who in Role.__members__ else {401}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("access", CALLS, ids=lambda a: f"{a.method} {a.path}")
async def test_each_call_is_for_those_with_its_role(access: Access, who: str) -> None:
    site = GuardedSite()
    await site.record(1, state="closed")
    path, origin = path_of(access.path), {"origin": ALLOWED, "content_type": "application/json"}
    for method in ["GET", "HEAD"] if access.method == "GET" else [access.method]:
        answer = await ask(site.app(), path, method, client="192.0.2.9", **WHO[who], **origin)
        refused = expected(access, who)
        assert answer.status in refused if refused else answer.status not in (401, 403), answer
        if answer.status == 401:
            assert answer.headers["www-authenticate"].startswith('Bearer realm="rta"')
        if refused and method != "HEAD":
            if path.startswith((STREAMS, V2 + "/alarms", V2 + "/nodes")):
                assert set(answer.json) == {"reason"}
            else:
                assert answer.problem["detail"]
        assert "rta_wrong" not in str(answer)
    if expected(access, who):
        assert await site.archive.find("car") is not None


async def test_a_route_that_is_not_in_the_table_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def new(request: Any) -> Any:
        asked.append(request)
        return PlainTextResponse("new")

    more = [*ROUTES, Route("/new", new), Route(V2 + "/whoami", new, methods=["POST"])]
    monkeypatch.setattr(rta.rest.app, "routes_of", lambda service: more)
    for site in (RecordedSite(), GuardedSite()):
        for path, method, status in (("/new", "GET", 404), (V2 + "/whoami", "POST", 405)):
            answer = await ask(site.app(), path, method, **bearer(Role.ADMINISTER))
            assert (answer.status, asked) == (status, [])


NOISE = st.text("/.%2eEfF;?\\ab", max_size=6)


@settings(max_examples=examples(300))
@given(st.sampled_from([a for a in CALLS if a.role is not None]), NOISE, NOISE, st.data())
def test_no_spelling_of_a_path_slips_past(access: Access, before: str, behind: str, data: st.DataObject) -> None:
    path = path_of(access.path)
    at = data.draw(st.integers(0, len(path)))
    noise = data.draw(NOISE | st.just(quote(path[at : at + 1] or "x", safe="")))
    target = "/" + f"{before}{path[:at]}{noise}{path[at:]}{behind}".lstrip("/")

    async def asked() -> int:
        site = GuardedSite()
        await site.record(1, state="closed")
        return (await ask(site.app(), target, access.method)).status

    status = trio.run(asked)
    assert status in (401, 404, 405) or target.partition("?")[0] in ("/", "/health")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "get", "PROPFIND", "CONNECT"])
@pytest.mark.parametrize("access", CALLS, ids=lambda a: f"{a.method} {a.path}")
async def test_odd_methods_do_nothing_for_nobody(access: Access, method: str) -> None:
    site = GuardedSite()
    answer = await ask(site.app(), path_of(access.path), method)
    if access.role is not None or method not in ("GET", "HEAD"):
        assert answer.status in (401, 405)


# ---- what is brought


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([b"Bearer rta_read"], 200),
        ([b"bearer rta_read"], 200),
        ([b"BEARER  rta_read "], 200),
        ([b"Bearer rta_read", b"Bearer rta_administer"], 401),
        ([b"Bearer rta_read", b"Bearer rta_read"], 401),
        ([b"Bearer rta_read,rta_administer"], 401),
        ([b"Bearer rta_read", b""], 401),
        ([b""], 401),
        ([b"rta_read"], 401),
        ([b"Bearer \xff"], 401),
        ([b"Bearer " + b"x" * 20_000], 401),
    ],
)
async def test_a_token_comes_once_and_as_a_bearer(headers: list[bytes], status: int) -> None:
    answer = await ask(GuardedSite().app(), V2 + "/whoami", headers=[(b"authorization", h) for h in headers])
    assert answer.status == status


@pytest.mark.parametrize("query", ["access_token=rta_read", "token=rta_read", "authorization=Bearer%20rta_read"])
async def test_a_token_in_a_url_is_not_looked_at(query: str) -> None:
    assert (await ask(GuardedSite().app(), f"{V2}/whoami?{query}")).status == 401


@pytest.mark.parametrize(
    "header", ["x-rta-subject", "x-rta-client", "x-forwarded-user", "x-forwarded-for", "x-ssl-client-s-dn", "cookie"]
)
async def test_headers_that_only_others_may_write_say_nothing(header: str) -> None:
    said = [(header.encode(), value) for value in (b'["a", 3, null, ""]', b"127.0.0.1", b"CN=anna")]
    assert (await ask(GuardedSite().app(), V2 + "/whoami", headers=said)).status == 401


async def test_the_end_of_a_token_is_held_to_at_each_request() -> None:
    site = GuardedSite()
    app = site.app()
    assert (await ask(app, V2 + "/whoami", **bearer(Role.READ))).status == 200
    site.now += 3601 * 10**9
    answer = await ask(app, V2 + "/whoami", **bearer(Role.READ))
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_the_end_of_a_certificate_is_held_to_at_each_request_of_a_connection() -> None:
    site = GuardedSite()
    app = site.app()
    said = (await ask(app, V2 + "/whoami", certificate=CERTIFICATE)).json
    assert said == {"name": CERTIFICATE, "role": "administer", "ends": "2027-01-15T09:00:00.000Z"}
    site.now += 3601 * 10**9
    answer = await ask(app, V2 + "/whoami", certificate=CERTIFICATE)
    assert (answer.status, answer.problem["detail"]) == (401, "the certificate has ended")


async def test_what_is_open_does_not_depend_on_what_is_brought() -> None:
    app = GuardedSite().app()
    for path in ("/", "/health", V2 + "/info"):
        assert (await ask(app, path, **WHO["wrong"])).status == 200
    assert (await ask(GuardedSite(metrics="anybody").app(), METRICS)).status == 200


async def test_anonymous_reading_and_operating_are_settings() -> None:
    read, operate = GuardedSite(anonymous="read").app(), GuardedSite(anonymous="operate").app()
    for app, status in ((read, 401), (operate, 404)):  # the site has no streams
        assert (await ask(app, V2 + "/sessions")).status == 200
        start = await ask(app, STREAMS + "/car.gear/start", "POST", content_type="application/json")
        assert start.status == status
        assert (await ask(app, STREAMS + "/car.gear", "DELETE", content_type="application/json")).status == 401


# ---- pages


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://pit.example", "https://pit.example:1", ""])
async def test_a_certificate_that_a_page_of_another_site_brings_along_counts_for_nothing(origin: str) -> None:
    site = GuardedSite()
    await site.record(1)
    for path, method in ((V2 + "/sessions", "GET"), (V2 + "/sessions/car", "DELETE")):
        answer = await ask(site.app(), path, method, certificate=CERTIFICATE, origin=origin)
        assert (answer.status, "access-control-allow-origin" in answer.headers) == (403, False)
    assert await site.archive.find("car") is not None


@pytest.mark.parametrize("origin", [{}, {"origin": "https://pit.example"}, {"origin": ALLOWED}])
async def test_a_certificate_counts_for_programs_and_for_pages_that_are_ours_or_allowed(origin: dict[str, str]) -> None:
    site = GuardedSite()
    await site.record(1)
    assert (await ask(site.app(), V2 + "/sessions/car", "DELETE", certificate=CERTIFICATE, **origin)).status == 204


async def test_a_name_that_others_may_give_to_our_address_makes_no_page_ours() -> None:
    app = GuardedSite(anonymous="operate").app()
    for host, status in (("evil.example", 403), (HOST, 404), ("127.0.0.1:80", 404)):
        asked = {"host": host, "origin": f"http://{host}", "content_type": "application/json"}
        assert (await ask(app, STREAMS + "/car.gear/start", "POST", **asked)).status == status


async def test_a_preflight_of_an_allowed_origin_is_answered_without_credentials() -> None:
    app = GuardedSite().app()
    asked = {"access_control_request_method": "DELETE", "access_control_request_headers": "authorization"}
    answer = await ask(app, V2 + "/sessions/car", "OPTIONS", origin=ALLOWED, **asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, DELETE"
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    for origin in ("https://evil.example", "null", "https://page.example.evil.example"):
        refused = await ask(app, V2 + "/sessions/car", "OPTIONS", origin=origin, **asked)
        assert (refused.status, "access-control-allow-origin" in refused.headers) == (405, False)


async def test_answers_and_refusals_say_what_browsers_may_do_with_them() -> None:
    app = GuardedSite().app()
    for path, status in (
        (V2 + "/sessions", 200),
        (V2 + "/nothing", 404),
        (V2 + "/docs", 200),
        (STREAMS + "/a/b/c/d", 404),
    ):
        answer = await ask(app, path, origin=ALLOWED, scope={"scheme": "https"}, **bearer(Role.READ))
        assert answer.status == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert answer.headers["access-control-allow-origin"] == ALLOWED
        assert "Origin" in answer.headers["vary"]
        assert "set-cookie" not in answer.headers
    assert "strict-transport-security" not in (await ask(app, "/")).headers


async def test_what_is_kept_for_ever_is_not_for_everybody() -> None:
    site = GuardedSite()
    await site.archive.publish("c", "{}")
    answer = await ask(site.app(), V2 + "/configs/c", **bearer(Role.READ))
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


async def test_another_worker_says_who_asks_and_its_word_is_held_to_the_table() -> None:
    app = GuardedSite().app()
    for role, status in ((None, 401), (Role.OPERATE, 403), (Role.ADMINISTER, 404)):
        asked = await ask(app, V2 + "/sessions/none", "DELETE", scope={SUBJECT: Subject("anna" if role else "", role)})
        assert (asked.status, "x-content-type-options" in asked.headers) == (status, False)
