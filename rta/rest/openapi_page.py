"""The OpenAPI document as a page for people: plain HTML, without scripts and without anything from outside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from typing import Any

__all__ = ["PAGE_HEADERS", "openapi_page"]

Document = dict[str, Any]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin: 1.6rem 0 0.4rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.92em; }
details { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 4px; margin: 0.3rem 0; }
summary { cursor: pointer; padding: 0.35rem 0.6rem; overflow-wrap: anywhere; }
details > div { padding: 0 0.9rem 0.6rem; }
.method { display: inline-block; min-width: 5.9rem; font-weight: 600; text-transform: uppercase; }
.what { opacity: 0.8; margin-left: 0.6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.8rem 0.2rem 0; overflow-wrap: anywhere; }
th, td:first-child { white-space: nowrap; } td:first-child { width: 4rem; }
@media (min-width: 40rem) { td:last-child { width: 45%; } }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.3rem 0; }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
}


def openapi_page(document: Document) -> str:
    """The page."""
    info = document["info"]
    tags: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        if "summary" in methods:
            tags.setdefault("Live", []).extend(_described(path, methods))
            continue
        for method, operation in methods.items():
            if method != "head":
                also = ", head" if "head" in methods and method == "get" else ""
                tags.setdefault(operation["tags"][0], []).extend(_operation(document, path, method + also, operation))
    body = [f"<h2>{escape(tag)}</h2>\n{''.join(parts)}" for tag, parts in tags.items()]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} over HTTP</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{escape(info['title'])} over HTTP</h1>\n<p>{escape(info['description'])} Version "
        f'{escape(info["version"])}; <a href="openapi.json">openapi.json</a> says the same to programs.</p>\n'
        f"{''.join(body)}<h2>Documents</h2>\n{''.join(_schemas(document))}</body></html>\n"
    )


def _described(path: str, item: Document) -> Iterator[str]:
    """A path whose operations OpenAPI cannot describe."""
    yield (
        f'<details><summary><span class="method"></span> <code>{escape(path)}</code>'
        f'<span class="what">{escape(item["summary"])}</span></summary><div><p>{escape(item["description"])}</p></div>'
        "</details>\n"
    )


def _operation(document: Document, path: str, method: str, operation: Document) -> Iterator[str]:
    yield (
        f'<details><summary><span class="method">{escape(method)}</span> <code>{escape(path)}</code>'
        f'<span class="what">{escape(operation["summary"])}</span></summary><div>'
    )
    yield f"<p>{escape(_who(operation['security']))}</p>"
    parameters = [_resolved(document, p) for p in operation["parameters"]]
    if parameters:
        yield "<table><tr><th>Parameter</th><th>in</th><th>kind</th><th>what it says</th></tr>"
        for p in parameters:
            yield (
                f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}</td>"
                f"<td><code>{escape(_kind(p['schema']))}</code></td><td>{escape(p['description'])}</td></tr>"
            )
        yield "</table>"
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(media)}</code></p>{_pretty(content['schema'])}"
    yield "<table><tr><th>Status</th><th>when</th><th>content</th></tr>"
    for status, answer in operation["responses"].items():
        found = _resolved(document, answer)
        media = ", ".join(found.get("content", {}))
        yield f"<tr><td>{status}</td><td>{escape(found['description'])}</td><td><code>{escape(media)}</code></td></tr>"
    yield "</table></div></details>\n"


def _who(security: list[Document]) -> str:
    roles = sorted({role for way in security for needed in way.values() for role in needed})
    return f"Role: {', '.join(roles)}" if roles else "Everybody may."


def _schemas(document: Document) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        yield f"<details><summary><code>{escape(name)}</code></summary><div>{_pretty(schema)}</div></details>\n"


def _resolved(document: Document, part: Document) -> Document:
    if "$ref" not in part:
        return part
    found: Document = document
    for key in part["$ref"].removeprefix("#/").split("/"):
        found = found[key]
    return found


def _kind(schema: Document) -> str:
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return " | ".join(map(repr, schema["enum"]))
    signs = ("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<=")
    bounds = [f"{sign} {schema[key]}" for key, sign in signs if key in schema]
    return ", ".join([schema["type"], *bounds])


def _pretty(schema: Document) -> str:
    return f"<pre>{escape(json.dumps(schema, indent=2))}</pre>"
