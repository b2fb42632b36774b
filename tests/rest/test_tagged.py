"""Whoever has a JSON answer already does not get it again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rta.rest.openapi import openapi_document, operations
from rta.rest.tagged import tagged

from .asgi import App, ask
from .recorded import RecordedSite
from .test_openapi import path_of

LISTS = ["/rta/v2/sessions", "/rta/v2/session-metamodel", "/rta/v2/session-folders/", "/rta/v2/session-folders/x"]
PATHS = [
    *LISTS,
    "/rta/v2/session-metamodel/properties?query=e",
    "/rta/v2/sessions/car",
    "/rta/v2/openapi.json",
    "/rta/v2/info",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_a_client_has_is_not_sent_again(path: str, method: str) -> None:
    site = RecordedSite()
    await site.record(1, state="closed")
    given = await ask(site.app(), path)
    tag = given.headers["etag"]
    assert given.headers["cache-control"] == "no-cache"
    for asked in ({}, {"accept_encoding": "gzip"}):
        held = await ask(site.app(), path, method, if_none_match=f'"other", {tag}', **asked)
        assert (held.status, held.body, held.whole) == (304, b"", True)
        assert held.headers == {"etag": tag, "cache-control": "no-cache", "vary": "Accept-Encoding"}
        other = await ask(site.app(), path, method, if_none_match='"other"', **asked)
        assert (other.status, other.plain if method == "GET" else given.body) == (200, given.body)
        assert other.headers["etag"] == tag


async def test_what_has_changed_is_sent() -> None:
    site = RecordedSite()
    await site.record(1)
    app = site.app()
    tags = [(await ask(app, path)).headers["etag"] for path in LISTS]
    await site.record(2, identity="other", session_id=4)
    answers = [await ask(app, path, if_none_match=tag) for path, tag in zip(LISTS, tags, strict=True)]
    assert [a.status for a in answers] == [200, 200, 304, 304]


async def test_a_list_without_the_archive_says_so_to_whoever_has_it_too() -> None:
    site = RecordedSite()
    await site.open()
    site.archive.down = True
    tag = (await ask(site.app(), LISTS[0])).headers["etag"]
    held = await ask(site.app(), LISTS[0], if_none_match=tag)
    assert (held.status, held.headers["rta-incomplete"]) == (304, "recorded sessions")


def answering(*pieces: bytes, status: int = 200, **headers: str) -> App:
    given = {"content-type": "application/json", "content-length": str(sum(map(len, pieces)))} | headers

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        for piece in pieces[:-1]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": pieces[-1]})

    return tagged(app)


@pytest.mark.parametrize(
    ("app", "method"),
    [
        (answering(b"{}", status=404), "GET"),
        (answering(b"{}"), "POST"),
        (answering(b"{", b"}"), "GET"),
        (answering(b"{}", cache_control="no-store"), "GET"),
        (answering(b"", **{"content-length": "2"}), "HEAD"),
        (answering(b"{}", **{"content-type": "application/problem+json"}), "GET"),
    ],
    ids=["a refusal", "a form", "in pieces", "not to be kept", "a head from elsewhere", "a problem"],
)
async def test_others_are_as_they_were(app: App, method: str) -> None:
    answer = await ask(app, "/", method, if_none_match="*")
    assert "etag" not in answer.headers
    assert answer.status != 304
    assert answer.whole


async def test_a_tag_that_is_there_stays() -> None:
    answer = await ask(answering(b"{}", etag='"own"'), "/", if_none_match="*")
    assert (answer.status, answer.headers["etag"]) == (200, '"own"')


async def test_a_long_answer_has_the_same_tag_each_time() -> None:
    text = json.dumps(list(range(200_000))).encode()
    one, two = [await ask(answering(text), "/") for _ in range(2)]
    assert one == two
    assert (await ask(answering(text), "/", if_none_match=one.headers["etag"])).status == 304


@pytest.mark.parametrize("operation", [o for o in operations() if o.method == "get"], ids=lambda o: o.path)
async def test_the_document_says_which_may_be_held(operation: Any) -> None:
    site = RecordedSite()
    await site.record(1, state="closed")
    await site.archive.publish("c", "{}")
    query = "?after=0-0:3:live" if operation.path.endswith("/entries") else ""
    answer = await ask(site.app(), path_of(operation.path) + query)
    said = openapi_document()["paths"][operation.path]["get"]["responses"]
    if "etag" in answer.headers:
        assert "304" in said
    elif answer.status == 200:
        assert "304" not in said or operation.held
