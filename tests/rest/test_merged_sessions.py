"""Live and recorded sessions as one list: any page of any query is what a naive evaluator makes of all together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import trio
from attrs import evolve
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from session_catalogue.any_sessions import IDENTITIES, queries, sessions
from session_catalogue.naive_catalogue import naive_find

from rta.ports import START, ArchivedSession, SessionRecord
from rta.rest.sessions import SessionCatalogue
from rta.session_catalogue import storable
from rta.session_query import ListRequest, SessionQuery, SortKey, read_list_request
from rta.wire import TimeRange

Documents = dict[str, dict[str, Any]]


class Recorded:
    """What the list needs of an archive."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.asked: list[SessionQuery] = []

    async def sessions(self, query: SessionQuery) -> Sequence[ArchivedSession]:
        self.asked.append(query)
        await trio.lowlevel.checkpoint()
        return [
            ArchivedSession(i, json.dumps({"identity": i, **self.documents[i]}), TimeRange(1, 2), True, "1", 0)
            for i in naive_find(self.documents, query)
        ]


async def listed(live: Documents, recorded: Recorded, query: SessionQuery) -> list[str]:
    async def read() -> list[SessionRecord]:
        texts = {i: json.dumps({"identity": i, **d}) for i, d in live.items()}
        return [SessionRecord(i, "s", 1, START, 0, text) for i, text in texts.items()]

    page = await SessionCatalogue(read).list(ListRequest(query), recorded)  # type: ignore[arg-type]
    return [s["identity"] for s in json.loads(page)["sessions"]]


@given(sessions, sessions, queries)
@settings(max_examples=examples(200), deadline=None)
def test_a_page_of_both_is_a_page_of_all_together(live: Documents, recorded: Documents, query: SessionQuery) -> None:
    # what was recorded of a session that is live does not count
    both = {
        i: {k: v for k, v in d.items() if k not in ("children", "alternates") or i not in live}
        for i, d in recorded.items()
    }
    expected = naive_find({**both, **live}, query)
    assert trio.run(listed, live, Recorded(both), query) == expected


@given(st.lists(st.sampled_from("lr"), max_size=40), st.integers(0, 45), st.integers(0, 10), st.booleans())
@settings(max_examples=examples(200), deadline=None)
def test_every_page_has_what_comes_next(kinds: list[str], offset: int, limit: int, down: bool) -> None:
    documents = {f"{i:02}": {"version": i // 3} for i in range(len(kinds))}
    live = {i: d for (i, d), kind in zip(documents.items(), kinds, strict=True) if kind == "l"}
    recorded = Recorded({i: d for i, d in documents.items() if i not in live})
    query = SessionQuery(sort=(SortKey("version", down),), offset=offset, limit=limit)
    assert trio.run(listed, live, recorded, query) == naive_find(documents, query)
    assert all(q.limit is None or q.limit <= max(limit, 1) for q in recorded.asked), "only what is shown is read"


async def test_a_live_child_of_a_recorded_session_is_listed_where_children_are() -> None:
    recorded = Recorded({"a": {"children": ["b"]}})
    assert await listed({"b": {}}, recorded, SessionQuery(top_level=False)) == ["a", "b"]
    assert await listed({"b": {}}, recorded, SessionQuery()) == ["a"]


async def test_a_deep_page_asks_the_archive_a_few_times() -> None:
    live = {f"l{i}": {"timestamp": f"2026-01-01T00:00:{i % 60:02}Z"} for i in range(400)}
    recorded = Recorded({f"r{i}": {"timestamp": f"2026-01-01T00:00:{i % 60:02}.5Z"} for i in range(400)})
    query = SessionQuery(offset=500, limit=10)
    assert await listed(live, recorded, query) == naive_find({**live, **recorded.documents}, query)
    assert len(recorded.asked) < 15


async def test_the_live_one_wins_and_the_recorded_one_is_told_with_its_range() -> None:
    live = {"both": {"version": 2}}
    recorded = Recorded({"both": {"version": 1}, "old": {"version": 1, "extDetails": {"G": {"N": 1}}}})

    async def read() -> list[SessionRecord]:
        return [SessionRecord("both", "s", 1, START, 0, json.dumps({"identity": "both", **live["both"]}))]

    page = await SessionCatalogue(read).list(read_list_request([("sort", "version:desc")]), recorded)  # type: ignore[arg-type]
    assert json.loads(page)["sessions"] == [
        {"identity": "both", "version": 2},
        {"identity": "old", "version": 1, "extDetails": {}, "timeRange": {"startTime": 1, "endTime": 2}},
    ]


async def test_many_live_sessions_are_found_in_a_thread() -> None:
    live = {f"{i:04}": {"version": i, "children": ["0007"] if i == 1 else []} for i in range(1200)}
    query = evolve(read_list_request([("query", '{"version": {"$lt": 9}}'), ("sort", "version")]).query, limit=5)
    assert await listed(live, Recorded({}), query) == ["0000", "0001", "0002", "0003", "0004"]
    assert await listed(live, Recorded({}), evolve(query, offset=5)) == ["0005", "0006", "0008"]


def test_identities_that_are_no_utf8_are_listed() -> None:
    assert storable("\ud800") != "\ud800"
    assert trio.run(listed, {"\ud800": {}}, Recorded({"x": {}}), SessionQuery(limit=5)) == ["\ud800", "x"]
    assert IDENTITIES
