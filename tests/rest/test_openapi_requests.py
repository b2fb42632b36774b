"""Requests as the OpenAPI document allows them, and others, are answered as it says."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import trio
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.rest.openapi import Operation, openapi_document, operations

from .asgi import Answer, ask
from .recorded import RecordedSite

DOCUMENT = openapi_document()
KNOWN = {"identity": ["car", "open", "none"], "identifier": ["c", "none"]}
OF_SITE = [o for o in operations() if "streams" not in o.path]


def allowed(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Texts of a parameter."""
    if "anyOf" in schema:
        return st.one_of(*map(allowed, schema["anyOf"]))
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("{1,1000}", "{1,9}").replace("$", r"\Z"))
    match schema["type"]:
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"]).map(str)
        case "array":
            return allowed(schema["items"])
        case kind:
            assert kind == "string", schema
            return st.text(st.characters(codec="utf-8"), min_size=schema.get("minLength", 0), max_size=20)


@st.composite
def requests(draw: st.DrawFn, any_text: bool) -> tuple[Operation, str]:
    """An operation and a target. `any_text`: parameters may be anything."""
    operation = draw(st.sampled_from(OF_SITE))
    path, query = operation.path, []
    for key in operation.parameters:
        parameter = DOCUMENT["components"]["parameters"][key]
        texts = allowed(parameter["schema"])
        if any_text:
            texts |= st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)
        if key in KNOWN:
            texts = st.sampled_from(KNOWN[key]) | texts
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(draw(texts), safe=""))
        elif parameter["required"] or draw(st.booleans()):
            query.append((parameter["name"], draw(texts)))
    return operation, f"{path}?{urlencode(query)}"


async def answer_to(operation: Operation, target: str) -> Answer:
    site = RecordedSite()
    await site.record(1, 2, state="closed")
    await site.record(1, identity="open", session_id=4)
    await site.archive.publish("c", "{}")
    return await ask(site.app(), target, operation.method.upper())


def check(operation: Operation, answer: Answer) -> None:
    said = DOCUMENT["paths"][operation.path][operation.method]["responses"]
    assert str(answer.status) in said, answer
    content = DOCUMENT["components"]["responses"][said[str(answer.status)]["$ref"].rpartition("/")[2]].get(
        "content", {}
    )
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert kind in (content or {""})
    if kind.endswith("json"):
        check_document(json.loads(answer.body), content[kind]["schema"])
    assert answer.whole


def check_document(value: Any, schema: dict[str, Any]) -> None:
    """Against as much of JSON Schema as we use in answers."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        assert value is None or schema["anyOf"][1] == {"type": "null"}
        return None if value is None else check_document(value, schema["anyOf"][0])
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "number": (int, float)}
    assert isinstance(value, kinds[schema["type"]]), (value, schema)
    if isinstance(value, str):
        assert re.search(schema.get("pattern", ""), value)
    if isinstance(value, list):
        for item in value:
            check_document(item, schema["items"])
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value)
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                check_document(value[key], inner)
    return None


@settings(max_examples=examples(100))
@given(requests(any_text=False))
def test_what_the_document_allows_is_answered_as_it_says(request: tuple[Operation, str]) -> None:
    operation, target = request
    answer = trio.run(answer_to, *request)
    assert answer.status not in (400, 405, 406), (target, answer)
    check(operation, answer)


@settings(max_examples=examples(300))
@given(requests(any_text=True))
def test_anything_else_is_refused_as_it_says(request: tuple[Operation, str]) -> None:
    operation, _ = request
    check(operation, trio.run(answer_to, *request))
