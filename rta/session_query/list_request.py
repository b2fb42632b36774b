"""What a client asks of the list of sessions, in the address or in a form. Source: docs/rest.md, "Sessions"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import frozen

from rta.errors import MalformedError
from rta.session_query.parse import parse_query
from rta.session_query.query import NEWEST_FIRST, SessionQuery, SortKey

__all__ = ["DEFAULT_PAGE", "MAX_PAGE", "ListRequest", "read_list_request"]

DEFAULT_PAGE = 1000
"""Sessions of a page whose size is not said."""
MAX_PAGE = 10_000
"""Sessions of a page: one that is asked for more could not tell a short page from the last one."""

_MAX_SORT_KEYS = 8  # those behind them change nothing that anybody would see
_MAX_INDEX = 10**9
_ORDERED = re.compile(r"(.+):(asc|desc)", re.IGNORECASE | re.DOTALL)


@frozen
class ListRequest:
    """Which sessions are asked for, and what of them."""

    query: SessionQuery
    props: tuple[str, ...] = ()
    """Property paths of what a list leaves out by itself: `extDetails.CarSetup.TyrePressure`."""


def read_list_request(parameters: Sequence[tuple[str, str]]) -> ListRequest:
    """Read names and values, in their order. A name without a value like `quality:desc` is one more `sort`.

    :raises MalformedError: its kind is the name of the parameter that is wrong.
    """
    size = _number(parameters, "pageSize", DEFAULT_PAGE, MAX_PAGE)
    sort = [t for name, value in parameters for t in _sort_texts(name, value)]
    query = SessionQuery(
        criterion=parse_query(_single(parameters, "query") or ""),
        sort=_sort_keys(sort),
        offset=_number(parameters, "pageIndex", 0, _MAX_INDEX) * size,
        limit=size,
        folder=_single(parameters, "folder") or None,
    )
    return ListRequest(query, tuple(t for name, value in parameters if name == "prop" for t in [value] if t))


def _sort_texts(name: str, value: str) -> Iterable[str]:
    if name == "sort":
        return value.split(",")
    return [name] if not value and _ORDERED.fullmatch(name) else ()


def _sort_keys(texts: Iterable[str]) -> tuple[SortKey, ...]:
    """The first of each property; those that compare equal have the newest first."""
    keys: dict[str, SortKey] = {}
    for text in filter(None, map(str.strip, texts)):
        ordered = _ORDERED.fullmatch(text)
        path = ordered[1] if ordered else text
        keys.setdefault(path, SortKey(path, ordered is not None and ordered[2].lower() == "desc"))
        if len(keys) == _MAX_SORT_KEYS:
            break
    for key in NEWEST_FIRST:
        keys.setdefault(key.path, key)
    return tuple(keys.values())


def _single(parameters: Sequence[tuple[str, str]], name: str) -> str | None:
    values = [v for n, v in parameters if n == name]
    if len(values) > 1:
        raise MalformedError(name, f"{name} is given {len(values)} times; expected it once")
    return values[0] if values else None


def _number(parameters: Sequence[tuple[str, str]], name: str, default: int, most: int) -> int:
    text = _single(parameters, name)
    if not text:
        return default
    value = int(text) if re.fullmatch(r"[0-9]{1,20}", text) else -1
    if not 0 <= value <= most:
        raise MalformedError(name, f"{name}={text[:40]!r}: expected a whole number from 0 to {most}")
    return value
