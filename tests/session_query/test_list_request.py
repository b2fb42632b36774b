"""What is asked of the list of sessions, in the address or in a form."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from rta.errors import MalformedError
from rta.session_query import Comparison, ListRequest, Operator, SessionQuery, SortKey, read_list_request
from rta.session_query.list_request import DEFAULT_PAGE, MAX_PAGE

NEWEST = SortKey("timestamp", True)


def read(text: str) -> ListRequest:
    return read_list_request(parse_qsl(text, keep_blank_values=True))


def test_nothing_is_the_first_page_of_all_the_newest_first() -> None:
    assert read("") == ListRequest(SessionQuery(sort=(NEWEST,), limit=DEFAULT_PAGE))
    assert read("query=&folder=&sort=&prop=&pageSize=") == read("")


def test_all_there_is() -> None:
    asked = read('pageIndex=2&pageSize=50&folder=F&sort=quality:desc&query={"a":1}&prop=extDetails.G.N&prop=details.x')
    assert asked.query == SessionQuery(
        Comparison("a", Operator.EQ, 1), (SortKey("quality", True), NEWEST), 100, 50, "F"
    )
    assert asked.props == ("extDetails.G.N", "details.x")


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("sort=timestamp:asc&quality:desc", (SortKey("timestamp"), SortKey("quality", True))),
        ("quality:desc&sort=timestamp:asc", (SortKey("quality", True), SortKey("timestamp"))),
        ("sort=timestamp:asc&sort=quality:desc", (SortKey("timestamp"), SortKey("quality", True))),
        ("sort=timestamp:asc,quality:desc", (SortKey("timestamp"), SortKey("quality", True))),
        ("sort=quality", (SortKey("quality"), NEWEST)),
        ("sort=quality:DESC", (SortKey("quality", True), NEWEST)),
        ("sort=details.Lab+Tech:desc", (SortKey("details.Lab Tech", True), NEWEST)),
        ("sort=details.a:b:desc", (SortKey("details.a:b", True), NEWEST)),
        ("sort=x:sideways", (SortKey("x:sideways"), NEWEST)),
        ("sort=,,:,", (SortKey(":"), NEWEST)),
        ("sort=quality:asc&sort=quality:desc", (SortKey("quality"), NEWEST)),
        ("unknown&other=x:desc", (NEWEST,)),
    ],
)
def test_sort_keys_are_taken_as_clients_write_them(text: str, sort: tuple[SortKey, ...]) -> None:
    assert read(text).query.sort == sort


def test_a_flood_of_sort_keys_is_cut() -> None:
    assert len(read("&".join(f"sort=a{i},b{i}" for i in range(1000))).query.sort) < 20


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("pageSize=x", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("pageSize=1.5", "pageSize"),
        ("pageSize=٣", "pageSize"),
        (f"pageSize={MAX_PAGE + 1}", "pageSize"),
        ("pageSize=1&pageSize=1", "pageSize"),
        ("pageIndex=" + "9" * 5000, "pageIndex"),
        ("folder=a&folder=b", "folder"),
        ("query={}&query={}", "query"),
        ("query=[", "query"),
    ],
)
def test_what_is_malformed_is_refused_by_its_name(text: str, kind: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(text)
    assert caught.value.kind == kind
