"""Answers that are JSON are compressed for who takes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from rta.rest.compression import compressed

from .asgi import App, ask

TEXT = json.dumps({"numbers": list(range(1000))}).encode()


def answering(*pieces: bytes, kind: str = "application/json", length: bool = True, **headers: str) -> App:
    given: Sequence[tuple[str, str]] = (("content-type", kind), *((k.replace("_", "-"), v) for k, v in headers.items()))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raw = [(k.encode(), v.encode()) for k, v in given]
        if length:
            raw.append((b"content-length", b"%d" % sum(map(len, pieces))))
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        for piece in pieces[:-1]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": pieces[-1]})

    return compressed(app)


@pytest.mark.parametrize(
    "pieces", [(TEXT,), (TEXT, b""), (TEXT[:5], TEXT[5:500], TEXT[500:]), (TEXT[:3000], TEXT[3000:])]
)
async def test_it_unpacks_to_the_same(pieces: tuple[bytes, ...]) -> None:
    answer = await ask(answering(*pieces), "/", accept_encoding="gzip")
    assert answer.whole
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < len(TEXT)
    assert answer.plain == TEXT
    assert answer.headers.get("content-length", str(len(answer.body))) == str(len(answer.body))


async def test_an_answer_of_unknown_length_counts_as_a_long_one() -> None:
    answer = await ask(answering(b"{", b"}", length=False), "/", accept_encoding="gzip")
    assert answer.plain == b"{}"


async def test_an_answer_in_one_piece_has_its_length() -> None:
    answer = await ask(answering(TEXT), "/", accept_encoding="gzip")
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize(
    ("app", "asked"),
    [
        (answering(TEXT), {}),
        (answering(TEXT), {"accept_encoding": "gzip;q=0"}),
        (answering(TEXT), {"accept_encoding": "gzip", "method": "HEAD"}),
        (answering(b"{}" * 511), {"accept_encoding": "gzip"}),
        (answering(TEXT, kind="application/vnd.mat.protobuf+chunked"), {"accept_encoding": "gzip"}),
        (answering(TEXT, kind="text/plain"), {"accept_encoding": "gzip"}),
    ],
)
async def test_other_answers_are_as_they_come(app: App, asked: dict[str, str]) -> None:
    answer = await ask(app, "/", **asked)
    assert "content-encoding" not in answer.headers
    assert answer.body in (TEXT, b"{}" * 511)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/problem+json; charset=utf-8", "a/vnd.mat.config+json"]
)
async def test_caches_are_told_that_it_depends_on_the_client(kind: str) -> None:
    answer = await ask(answering(TEXT, kind=kind), "/")
    assert answer.headers["vary"] == "Accept-Encoding"
    answer = await ask(answering(TEXT, kind=kind, vary="accept-encoding"), "/")
    assert answer.headers["vary"] == "accept-encoding"


async def test_what_is_compressed_already_stays_so() -> None:
    answer = await ask(answering(TEXT, content_encoding="gzip"), "/", accept_encoding="gzip")
    assert answer.body == TEXT
