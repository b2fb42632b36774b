"""Contract of an archive: sessions in lists, their configurations, and their deletion."""

from __future__ import annotations

from typing import Any

from rta.session_query import AllOf, Comparison, Not, Operator, SessionQuery, SortKey, parse_query
from rta.testing.archive_under_test import ArchiveUnderTest, at, portion, sample_numbers
from rta.testing.bursts import json_burst, numbered_burst, session_json

__all__ = ["ArchiveSessionChecks"]


def _session(number: int, state: str = "closed") -> str:
    return session_json(f"s{number}", state, timestamp=f"2026-01-0{number}T00:00:00Z")


class ArchiveSessionChecks(ArchiveUnderTest):
    """`sessions`, `properties`, `publish`, `configuration`, `delete`."""

    async def test_sessions_are_listed_in_the_order_of_the_query(self) -> None:
        async with self.open_archive() as archive:
            for i in (2, 1, 3):
                await archive.append(portion([(i, json_burst(_session(i)))], identity=f"s{i}", session_id=i))
            for seconds in (0, 10_000, 20_000):
                found = await archive.sessions(SessionQuery())
                assert [session.identity for session in found] == ["s3", "s2", "s1"]
                assert [session.json for session in found] == [_session(i) for i in (3, 2, 1)]
                assert all(session.runs == () for session in found)
                page = await archive.sessions(SessionQuery(offset=1, limit=1))
                assert [session.identity for session in page] == ["s2"]
                rest = await archive.sessions(SessionQuery(without=frozenset({"s3"})))
                assert [session.identity for session in rest] == ["s2", "s1"]
                await self.upkeep(archive, seconds)

    async def test_a_listed_session_is_as_find_says(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(session_json("a", "closed"))), (2, numbered_burst(1))]))
            for seconds in (0, 100, 10_000, 20_000):
                await self.upkeep(archive, seconds)
                (listed,) = await archive.sessions(SessionQuery())
                found = await self.found(archive, "a")
                assert (listed.json, listed.span, listed.sealed, listed.version) == (
                    found.json,
                    found.span,
                    found.sealed,
                    found.version,
                )

    async def test_a_session_without_json_is_not_listed(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            assert list(await archive.sessions(SessionQuery())) == []
            assert (await self.found(archive, "a")).json == ""

    async def test_a_session_whose_json_is_none_is_not_listed(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(session_json("a")))]))
            for text in ("nonsense", "[]", '{"quality": NaN}'):
                await archive.describe("a", text)
                assert list(await archive.sessions(SessionQuery())) == []
            await archive.describe("a", session_json("a"))
            assert len(await archive.sessions(SessionQuery())) == 1

    async def test_queries_find_what_they_mean(self) -> None:
        async with self.open_archive() as archive:
            texts = {
                "parent": session_json("parent", details={"Lab Tech": "Bob", "Run": 17}, children=["child"], group="G"),
                "child": session_json("child", details={"Run": 17}),
                "late": session_json("late", timestamp="2026-01-01T01:00:00+02:00", details={"Run": "17"}),
            }
            for i, (name, text) in enumerate(texts.items()):
                await archive.append(portion([(i, json_burst(text))], identity=name, session_id=i))

            async def found(query: str, **more: Any) -> list[str]:
                criterion = parse_query(query)
                return [s.identity for s in await archive.sessions(SessionQuery(criterion, **more))]

            assert await found("") == ["late", "parent"]
            assert await found("", top_level=False) == ["late", "child", "parent"]
            assert await found("", sort=(SortKey("details.Run"), SortKey("identity"))) == ["parent", "late"]
            assert await found("", folder="G") == ["parent"]
            assert await found("", folder="other") == []
            assert await found('{"details.Run": 17}') == ["parent"]
            assert await found('{"details.Run": {"$neq": 17}}') == ["late"]
            assert await found('{"details.Lab Tech": {"$contains": "BO"}, "details.Run": {"$gt": 1}}') == ["parent"]
            assert await found('{"$or": [{"timestamp": {"$gt": "2025-12-31T22:59:59Z"}}, {"a": 1}]}') == ["late"]
            assert await found('{"identifier": "\'; DROP TABLE sessions; --"}') == []

    async def test_a_query_may_have_many_criteria(self) -> None:
        several = AllOf(tuple(Comparison("identifier", Operator.CONTAINS, str(i)) for i in range(1000)))
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(session_json("a")))]))
            assert list(await archive.sessions(SessionQuery(several))) == []
            assert len(await archive.sessions(SessionQuery(Not(several)))) == 1

    async def test_properties_are_those_of_the_sessions(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, json_burst(session_json("a")))]))
            found = {one.path: one for one in await archive.properties(None)}
            assert found["identifier"].values == ("a",)

    async def test_a_configuration_is_kept_as_it_was_published(self) -> None:
        text = '{"Chassis": {"desc": "ä\\u0000 \\n"}}'
        async with self.open_archive() as archive:
            assert await archive.configuration("one/../x") is None
            await archive.publish("one/../x", text)
            await archive.publish("one/../x", text)
            await archive.publish("other", "no JSON at all")
            async with self.open_again(archive) as again:
                assert await again.configuration("one/../x") == text
                assert await again.configuration("other") == "no JSON at all"
                assert await again.configuration("") is None

    async def test_a_deleted_session_is_gone(self) -> None:
        async with self.open_archive() as archive:
            for i, name in enumerate(("a", "b")):
                bursts = [(2 * i, json_burst(session_json(name))), (2 * i + 1, numbered_burst(i))]
                await archive.append(portion(bursts, identity=name, session_id=i))
            assert await archive.delete("a")
            assert not await archive.delete("a")
            assert not await archive.delete("unknown")
            async with self.open_again(archive) as again:
                assert await again.find("a") is None
                assert await self.chunks(again, "a") == []
                assert [session.identity for session in await again.sessions(SessionQuery())] == ["b"]
                assert sample_numbers(await self.chunks(again, "b")) == [1]

    async def test_a_deleted_session_may_come_again(self) -> None:
        async with self.open_archive() as archive:
            await archive.append(portion([(1, numbered_burst(1))]))
            await archive.delete("a")
            await archive.append(portion([(2, json_burst(session_json("a"))), (3, numbered_burst(3))], start=at(1)))
            assert sample_numbers(await self.chunks(archive, "a")) == [3]
            assert (await self.found(archive, "a")).json == session_json("a")
            async with self.open_again(archive) as again:
                assert sample_numbers(await self.chunks(again, "a")) == [3]
