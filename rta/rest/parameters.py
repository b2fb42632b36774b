"""Parameters of the query part of a request's target, read strictly."""

from __future__ import annotations

from starlette.datastructures import QueryParams

from rta.ports import FlushPoint
from rta.rest.problem import RequestProblem

__all__ = ["flush_point_of", "is_empty", "moments_of", "number_of", "single"]

_LAST = (1 << 63) - 1


def single(query: QueryParams, name: str) -> str | None:
    """The text of a parameter; None: it is not given.

    :raises RequestProblem: 400; it is given twice.
    """
    values = query.getlist(name)
    if len(values) > 1:
        raise RequestProblem(400, f"{name} is given {len(values)} times: expected once", name)
    return values[0] if values else None


def number_of(query: QueryParams, name: str, most: int, least: int = 0) -> int | None:
    """A whole number; None: it is not given.

    :raises RequestProblem: 400; it is something else, or not between `least` and `most`.
    """
    text = single(query, name)
    if text is None:
        return None
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else -1
    if not least <= value <= most:
        raise RequestProblem(400, f"{name}={text[:40]!r}: expected a whole number from {least} to {most}", name)
    return value


def moments_of(query: QueryParams) -> tuple[int | None, int | None]:
    """`start` and `end`, ns since the Unix epoch. Nothing lies between them where the end comes first.

    :raises RequestProblem: 400; they are something else.
    """
    return number_of(query, "start", _LAST), number_of(query, "end", _LAST)


def is_empty(start: int | None, end: int | None) -> bool:
    """Whether nothing lies between them."""
    return start is not None and end is not None and end < start


def flush_point_of(query: QueryParams, name: str) -> FlushPoint | None:
    """A flush point; None: it is not given.

    :raises RequestProblem: 400; it is something else.
    """
    text = single(query, name)
    if text is None:
        return None
    try:
        return FlushPoint.parse(text)
    except ValueError as e:
        raise RequestProblem(400, f"{name}: {e}, as an answer's header RTA-Flush-Point has it", name) from None
