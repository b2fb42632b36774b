"""The OpenAPI document is complete and true, and is a page for people too."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from rta.rest.app import routes_of
from rta.rest.openapi import openapi_document, operations

from .asgi import Answer, ask
from .recorded import RecordedSite

VALUES = {
    "identity": "car",
    "channels": "-",
    "identifier": "c",
    "code": "car.engine",
    "stream": "fine",
    "parent": "f",
    "file": "index.html",
}


def path_of(template: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: VALUES[m[1]], template)


def is_at(template: str, path: str) -> bool:
    """A stream may be called `start`."""
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


async def ask_for(operation: Any, method: str | None = None) -> Answer:
    site = RecordedSite()
    await site.record(1)
    await site.archive.publish("c", "{}")
    query = "?after=0-0:3:live" if operation.path.endswith("/entries") else ""
    target = path_of(operation.path) + query
    here = {"client": "127.0.0.1", "host": "localhost"}  # who may change something
    return await ask(site.app(), target, (method or operation.method).upper(), **here)


@pytest.mark.parametrize("operation", operations(), ids=lambda o: f"{o.method} {o.path}")
async def test_each_operation_is_there_and_answers_what_it_says(operation: Any) -> None:
    answer = await ask_for(operation)
    assert answer.status != 405
    described = openapi_document()["paths"][operation.path][operation.method]["responses"]
    assert str(answer.status) in described
    name = described[str(answer.status)]["$ref"].rpartition("/")[2]
    kinds = openapi_document()["components"]["responses"][name].get("content", {})
    assert answer.headers.get("content-type", "").partition(";")[0] in (kinds or {""})
    if answer.status == 404:
        assert "there is nothing at" not in answer.body.decode()


@pytest.mark.parametrize("path", sorted({o.path for o in operations()}))
async def test_there_is_no_method_that_is_not_said(path: str) -> None:
    said = {o.method for o in operations() if is_at(o.path, path_of(path))}
    for method in {"get", "put", "post", "delete", "patch", "options", "trace"} - said:
        operation = next(o for o in operations() if o.path == path)
        answer = await ask_for(operation, method)
        assert answer.status == 405, method
        allowed = {m.strip().lower() for m in answer.headers["allow"].split(",")} - {"head"}
        assert allowed == said, method


def test_every_route_is_said() -> None:
    """Streams are one route, whose paths are held by the tests above."""
    said = {path.removesuffix("/") or "/" for path in openapi_document()["paths"]}
    routes = {re.sub(r":\w+\}", "}", r.path) for r in routes_of(RecordedSite().service()) if "/streams" not in r.path}
    data = {r for r in routes if "{kind}" in r}
    assert said >= routes - data
    assert {d.replace("{kind}", kind) for d in data for kind in ("timestamped", "periodic", "row")} <= said


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


def test_what_is_referred_to_is_there_and_what_is_there_is_referred_to() -> None:
    document = openapi_document()
    parts = {f"#/components/{kind}/{name}" for kind, named in document["components"].items() for name in named}
    assert references(document["paths"]) | references(document["components"]) <= parts
    used = references(document)
    for methods in document["paths"].values():
        for operation in methods.values():
            ways = operation.get("security", []) if isinstance(operation, dict) else []
            used |= {f"#/components/securitySchemes/{name}" for way in ways for name in way}
    assert {p for p in parts if p not in used} <= {"#/components/responses/Held"}


def test_the_parameters_of_a_path_are_those_in_it() -> None:
    parameters = openapi_document()["components"]["parameters"]
    for operation in operations():
        names = {parameters[p]["name"] for p in operation.parameters if parameters[p]["in"] == "path"}
        assert names == set(re.findall(r"\{(\w+)\}", operation.path))


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "style", "onclick")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_the_page_needs_no_script_and_nothing_from_outside() -> None:
    answer = await ask(RecordedSite().app(), "/rta/v2/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    page = Page()
    page.feed(answer.body.decode())
    assert page.open == []
    assert page.links == ["openapi.json"]
    assert not page.tags & {"script", "link", "img", "iframe", "form"}
    for operation in operations():
        assert operation.path in page.text
        assert operation.summary in page.text
    assert "/rta/v2/sessions/{identity}/stream" in page.text


def test_it_says_what_comes_of_a_form_that_is_none_and_of_an_edge_that_sends_requests_on() -> None:
    paths = openapi_document()["paths"]
    assert {"400", "413", "415"} <= set(paths["/rta/v2/sessions"]["post"]["responses"])
    sent_on = [o for o in operations() if o.tag in ("Sessions", "Data", "Configurations")]
    for operation in sent_on:
        assert {"429", "503", "508"} <= set(paths[operation.path][operation.method]["responses"]), operation
