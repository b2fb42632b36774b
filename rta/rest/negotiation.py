"""What a client takes, and what it has already. RFC 9110, 12.5 and 13.1."""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.datastructures import Headers

from rta.rest.problem import RequestProblem

__all__ = ["check_accepted", "is_held", "takes_gzip", "takes_page"]

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_MOST = 64  # items of a header


def check_accepted(headers: Headers, *types: str) -> None:
    """:raises RequestProblem: 406; the client takes none of these, which are names of the same thing."""
    accept = ",".join(headers.getlist("accept"))
    if accept.strip():
        wanted = dict(_weighed(accept))
        if not any(_weight(wanted, kind) > 0 for kind in types):
            raise RequestProblem(406, f"Accept: {accept[:200]!r} excludes {types[0]}, which is all there is", "Accept")


def takes_page(headers: Headers) -> bool:
    """Whether HTML is asked for by its name, as browsers do; `*/*` is what programs send."""
    return dict(_weighed(",".join(headers.getlist("accept")))).get("text/html", 0.0) > 0


def takes_gzip(headers: Headers) -> bool:
    """Whether an answer may be compressed."""
    wanted = dict(_weighed(",".join(headers.getlist("accept-encoding"))))
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0.0))) > 0


def is_held(headers: Headers, tag: str) -> bool:
    """Whether the client has what has this entity tag, by If-None-Match."""
    known = ",".join(headers.getlist("if-none-match")).strip()
    return known == "*" or tag.removeprefix("W/") in _TAG.findall(known)


def _weight(wanted: dict[str, float], kind: str) -> float:
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in wanted:
            return wanted[name]
    return 0.0


def _weighed(text: str) -> Iterator[tuple[str, float]]:
    for item in text.split(",")[:_MOST]:
        name, *parameters = (part.strip() for part in item.lower().split(";"))
        yield name, next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.[0-9]{0,3})?", text) else 1.0
