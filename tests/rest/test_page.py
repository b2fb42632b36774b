"""The page in the browser, as it is served."""

from __future__ import annotations

import re
from typing import Any

import pytest
from issuing import FakeIssuer

from rta import __version__
from rta.ports.access import Role

from .asgi import Answer, ask
from .recorded import RecordedSite
from .signing_in import GuardedSite, bearer

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def asked(target: str = "/", accept: str = BROWSER, **headers: str) -> Answer:
    return await ask(RecordedSite().app(), target, accept=accept, **headers)


async def test_browsers_get_the_page_and_programs_the_version() -> None:
    page = await asked()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.body.startswith(b"<!doctype html>")
    for accept in ("*/*", "", "text/plain", "text/html;q=0"):
        answer = await asked(accept=accept)
        assert answer.body == f"rta {__version__}\n".encode()
        assert "Accept" in answer.headers["vary"]


async def test_each_file_that_it_loads_is_there_for_ever() -> None:
    page = (await asked()).body.decode()
    found = re.findall(r'(?:src|href)="(?:\./)?(page/[^"]+)"', page)
    assert len(found) == 2
    script = next(name for name in found if name.endswith(".js"))
    worker = re.findall(rb'"\./(page/worker-\w+\.js)"', (await asked(f"/{script}")).body)
    assert len(worker) == 1
    for name in (*found, worker[0].decode()):
        answer = await asked(f"/{name}")
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
        packed = await asked(f"/{name}", **{"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.plain == answer.body


@pytest.mark.parametrize("name", ["none.js", "..%2Fpage.py", "%2e%2e", "__init__.py", "index.html%00", "%ff"])
async def test_there_is_nothing_else(name: str) -> None:
    assert (await asked(f"/page/{name}")).problem["status"] == 404


async def test_nothing_of_it_is_inline_or_from_elsewhere() -> None:
    page = await asked()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(rb"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|(?:src|href)=.https?:", page.body)


async def test_it_may_talk_to_the_issuer_at_which_one_signs_in_as_far_as_is_known_where() -> None:
    issuer = FakeIssuer(None)
    app = GuardedSite(issuer, authority="https://login.example/realms/track", audience="rta").app()
    tokens, back = "https://tokens.example:8443/for?realm=track", "https://back.example/"
    for endpoints, origins in (
        ((), ""),
        (("https://login.example/token",), ""),
        ((tokens,), " https://tokens.example:8443"),
        ((tokens, back), " https://tokens.example:8443 https://back.example"),
    ):
        issuer.endpoints = endpoints
        answer = await ask(app, "/", accept=BROWSER)
        assert f"connect-src 'self' https://login.example{origins};" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("role", [None, Role.READ])
async def test_everybody_may_load_it(role: Role | None) -> None:
    headers: dict[str, Any] = {} if role is None else bearer(role)
    app = GuardedSite().app()
    page = await ask(app, "/", accept=BROWSER, **headers)
    assert page.status == 200
    for name in re.findall(rb'(?:src|href)="\./(page/[^"]+)"', page.body):
        assert (await ask(app, f"/{name.decode()}", **headers)).status == 200
