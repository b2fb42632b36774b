"""A page of another site can do nothing with a service, with sign-in or without; one of an allowed origin can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from asking import kubernetes
from attrs import frozen
from playwright.sync_api import Page, Response, Route
from program import starting

from rta.wire.websocket import SUBPROTOCOL

from .attacked import LIVE, RECORDED, STREAM, Attacked, attacked
from .page_server import Content, serving
from .watch import Watch

pytestmark = pytest.mark.processes

PATIENCE = 1000  # looks, 20 ms apart
SESSIONS = "/rta/v2/sessions"
TICKETS = "/rta/v2/tickets"
START = STREAM + "/start"
JSON = {"Content-Type": "application/json"}
BLOCKED = {"error": "TypeError"}
"""What `fetch` says of an answer that the page may not have."""
OPAQUE = {"type": "opaque", "status": 0, "text": ""}
"""What it says of one that may come, but not be seen."""
NOT_SHOWN = "chrome-error://chromewebdata/"

_ATTEMPTS = (Path(__file__).parent / "attempts.js").read_bytes()
_PAGE = (
    b'<!doctype html><title>Another site</title><link rel="icon" href="data:,"><body>'
    b'<script src="attempts.js"></script>'
)
CONTENTS = {
    "/": Content(_PAGE),
    "/sandboxed": Content(_PAGE, headers={"Content-Security-Policy": "sandbox allow-scripts allow-forms"}),
    "/attempts.js": Content(_ATTEMPTS, "text/javascript"),
    "/style.css": Content(b"body {}", "text/css"),
    "/picture.svg": Content(b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>', "image/svg+xml"),
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of the web server that has the pages of all other sites."""
    with serving(CONTENTS) as port:
        yield port


def allowed_origin(port: int) -> str:
    return f"http://allowed.example:{port}"


@pytest.fixture(scope="module", params=["with sign-in", "without sign-in"])
def service(request: pytest.FixtureRequest, port, tmp_path_factory, environ) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    sign_in = request.param == "with sign-in"
    with starting(folder, environ) as start, attacked(start, folder / "site", sign_in, allowed_origin(port)) as service:
        yield service


@frozen
class Attacker:
    """A page, and what the service answers to it."""

    page: Page
    service: Attacked
    answers: list[tuple[str, int]]
    """Method and status, also of what the page does not see."""

    def read(self, path: str, **options: Any) -> dict[str, Any]:
        return self.attempt("read", self.service.url + path, options)

    def open_stream(self, *protocols: str) -> bool:
        url = self.service.url.replace("http", "ws") + LIVE + "/stream"
        opened: bool = self.attempt("openStream", url, [SUBPROTOCOL, *protocols])["opened"]
        return opened

    def attempt(self, name: str, *arguments: Any) -> Any:
        """Call a function of attempts.js."""
        return self.page.evaluate("([name, given]) => window[name](...given)", [name, arguments])


def attacker_at(page: Page, url: str, service: Attacked) -> Attacker:
    answers: list[tuple[str, int]] = []

    def note(response: Response) -> None:
        if response.url.startswith(service.url):
            answers.append((response.request.method, response.status))

    page.on("response", note)
    page.goto(url)
    return Attacker(page, service, answers)


@pytest.fixture(
    params=["http://127.0.0.1:{}/", "http://localhost:{}/", "http://other.example:{}/", "http://127.0.0.1:{}/sandboxed"]
)
def attacker(request: pytest.FixtureRequest, page, port, service, watch: Watch) -> Iterator[Attacker]:
    """A page of another site. Whatever it has tried, the service is at the end as it was before."""
    before = service.state
    watch.expect("blocked by CORS policy", "Failed to load resource", "Unexpected response code: 403")
    yield attacker_at(page, request.param.format(port), service)
    assert service.state == before


@pytest.fixture
def allowed(page, port, service) -> Attacker:
    """A page of an origin in `auth.origins`, which can do what others cannot."""
    return attacker_at(page, allowed_origin(port), service)


def token_of(service: Attacked) -> str:
    """The right one, or one that looks right where there is none."""
    return service.token or "rta_of-an-administrator"


def with_token(service: Attacked) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(service)}"}


# ---- another site


def test_it_reads_nothing(attacker, service):
    for path in (SESSIONS, LIVE, STREAM, "/metrics", "/health", "/rta/v2/info"):
        assert attacker.read(path) == BLOCKED
        assert attacker.read(path, credentials="include") == BLOCKED
        assert attacker.read(path, headers=with_token(service)) == BLOCKED
        assert attacker.read(path, mode="no-cors") == OPAQUE
        assert attacker.read(path, mode="no-cors", headers=with_token(service)) == OPAQUE


def test_it_opens_no_stream(attacker, port, service, watch):
    token = token_of(service)
    tries = [(), (kubernetes(token),)]
    if service.token is not None:
        body = {"session": "drive-1"}
        made = service.ask(TICKETS, method="POST", body=body, Origin=allowed_origin(port))
        tries.append((f"rta.ticket.{made.json['ticket']}",))
    before = service.refused.get("origin", 0)
    assert [attacker.open_stream(*protocols) for protocols in tries] == [False] * len(tries)
    attacker.page.title()
    assert len([e for e in watch.errors if "Unexpected response code: 403" in e]) == len(tries)
    assert service.refused["origin"] == before + len(tries)


def test_it_starts_and_changes_no_stream(attacker, service, watch):
    watch.expect("frame-ancestors")
    before = service.refused.get("origin", 0)
    assert attacker.read(START, method="POST", mode="no-cors", body="{}") == OPAQUE
    assert attacker.read(START, method="POST", body="{}") == BLOCKED
    kinds = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
    for kind in kinds:
        attacker.attempt("submit", service.url + START, kind, '{"timeout": 600, "x": "')
    assert service.refused["origin"] == before + 2 + len(kinds)
    assert set(attacker.answers) == {("POST", 403)}
    attacker.answers.clear()
    for method, path in (("POST", START), ("POST", "/rta/v2/streams"), ("PATCH", STREAM), ("DELETE", STREAM)):
        for headers in (JSON, JSON | with_token(service)):
            assert attacker.read(path, method=method, headers=headers, body="{}") == BLOCKED
    assert attacker.answers == []


def test_it_deletes_no_session(attacker, service):
    for headers in ({}, with_token(service)):
        assert attacker.read(RECORDED, method="DELETE", headers=headers) == BLOCKED
    assert (
        attacker.read(RECORDED, method="POST", mode="no-cors", headers={"X-HTTP-Method-Override": "DELETE"}) == OPAQUE
    )
    assert attacker.answers == [("POST", 405)]


def test_it_gets_no_ticket(attacker, service):
    body = '{"session": "drive-1"}'
    assert attacker.read(TICKETS, method="POST", body=body) == BLOCKED
    assert attacker.read(TICKETS, method="POST", mode="no-cors", body=body) == OPAQUE
    assert {status for _, status in attacker.answers} == {401 if service.token else 404}
    assert attacker.read(TICKETS, method="POST", headers=JSON | with_token(service), body=body) == BLOCKED


def frames_of(page: Page, count: int) -> list[str]:
    """What so many frames of a page have come to show, which the page itself cannot see."""
    found: list[str] = []
    for _ in range(PATIENCE):
        found = [frame.url for frame in page.frames if frame != page.main_frame]
        if len(found) == count and "" not in found and "about:blank" not in found:
            break
        page.wait_for_timeout(20)
    return found


def test_it_frames_nothing(attacker, service, watch):
    watch.expect("frame-ancestors")
    for number, path in enumerate(["/", "/rta/v2/docs", SESSIONS, "/health"]):
        assert attacker.attempt("frame", service.url + path, f"frame-{number}") == {"error": "SecurityError"}
        assert frames_of(attacker.page, number + 1) == [NOT_SHOWN] * (number + 1)


def test_it_takes_nothing_in(attacker, service):
    for url in [service.url + path for path in (SESSIONS, "/rta/v2/docs", "/metrics", "/health")]:
        assert attacker.attempt("embed", "script", {"src": url}) == "error"
        assert attacker.attempt("embed", "img", {"src": url}) == "error"
        assert attacker.attempt("embed", "link", {"rel": "stylesheet", "href": url}) == "error"


# ---- what shows that these attempts can succeed


def test_a_page_of_an_allowed_origin_reads(allowed, service):
    got = allowed.read(SESSIONS, headers=with_token(service))
    assert (got["type"], got["status"]) == ("cors", 200)
    assert "drive-1" in got["text"]


def test_a_page_of_an_allowed_origin_opens_a_stream(allowed, service):
    protocols = []
    if service.token is not None:
        headers = JSON | with_token(service)
        got = allowed.read(TICKETS, method="POST", headers=headers, body='{"session": "drive-1"}')
        protocols = [f"rta.ticket.{json.loads(got['text'])['ticket']}"]
    assert allowed.open_stream(*protocols)


def test_a_page_of_an_allowed_origin_changes_something_with_a_token_alone(allowed, service, watch):
    watch.expect("Failed to load resource")
    headers = JSON | with_token(service)
    for verb, state in (("start", "running"), ("stop", "stopped")):
        got = allowed.read(f"{STREAM}/{verb}", method="POST", headers=headers, body="{}")
        assert got["status"] == (403 if service.token is None else 200), got
        assert service.token is None or json.loads(got["text"])["state"] == state
    deleted = allowed.read(LIVE, method="DELETE", headers=headers)
    assert deleted["status"] == (403 if service.token is None else 409)  # it is live


def test_a_page_shows_and_takes_in_what_is_its_own(page, port, service):
    own = attacker_at(page, f"http://127.0.0.1:{port}/", service)
    assert own.attempt("frame", "/", "ours") == {"seen": "Another site"}
    assert page.frame("ours").url == f"http://127.0.0.1:{port}/"
    assert own.attempt("embed", "script", {"src": "/attempts.js"}) == "load"
    assert own.attempt("embed", "img", {"src": "/picture.svg"}) == "load"
    assert own.attempt("embed", "link", {"rel": "stylesheet", "href": "/style.css"}) == "load"


# ---- a site that gives its own name our address


@pytest.fixture
def rebound(page, port, service, watch: Watch) -> Iterator[Attacker]:
    """A page of a name that led elsewhere while the page was loaded, and then to the service."""
    before = service.state
    watch.expect("Failed to load resource", "Unexpected response code: 403")
    url = service.url.replace("127.0.0.1", "rebound.example")

    def lead_elsewhere(route: Route) -> None:
        route.continue_(url=f"http://127.0.0.1:{port}{urlsplit(route.request.url).path}")

    for path in ("/", "/attempts.js"):
        page.route(url + path, lead_elsewhere)
    found = attacker_at(page, url + "/", service)
    page.unroute_all()
    yield found
    assert service.state == before


def test_a_name_that_is_not_ours_reads_nothing(rebound, service):
    reason = "host" if service.token is None else "nobody"
    before = service.refused.get(reason, 0)
    paths = [SESSIONS, LIVE, STREAM, RECORDED + "/data/events", "/metrics", "/rta/v2/docs"]
    for path in paths:
        got = rebound.attempt("read", path)
        assert (got["type"], got["status"]) == ("basic", 403 if service.token is None else 401), (path, got)
    assert service.refused[reason] == before + len(paths)


def test_a_name_that_is_not_ours_changes_nothing(rebound, service):
    for method, path in (("POST", START), ("DELETE", RECORDED), ("PATCH", STREAM)):
        got = rebound.attempt("read", path, {"method": method, "headers": JSON, "body": "{}"})
        assert got["status"] == 403, (method, path, got)


def test_a_name_that_is_not_ours_opens_no_stream(rebound, service):
    url = service.url.replace("http://127.0.0.1", "ws://rebound.example") + LIVE + "/stream"
    before = service.refused.get("origin", 0)
    assert not rebound.attempt("openStream", url, [SUBPROTOCOL])["opened"]
    assert service.refused["origin"] == before + 1
