"""The sessions of a site: those of the buffer and those of the archive in one list, which is sorted and paged.

A session that is in both is as the buffer has it. Source: docs/rest.md, "Sessions".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import trio
from attrs import evolve

from rta.clock_bounds import ClockBounds
from rta.ports import Archive, ArchivedSession, SessionRecord
from rta.rest.live_sessions import LiveSessions, properties_of
from rta.rest.session_texts import SessionTexts
from rta.session_catalogue import SortValue, listing_order, merge_properties, sort_values, storable
from rta.session_list import SessionListCache
from rta.session_query import NEWEST_FIRST, AnyOf, Comparison, ListRequest, Operator, Property, SessionQuery

__all__ = ["SessionCatalogue"]

_CLOCKS = ClockBounds()
_AT_ONCE = 50  # sessions read, or written, without a checkpoint

_Session = SessionRecord | ArchivedSession

Place = tuple[tuple[SortValue, ...], str]
"""By what a session is sorted, and its identity."""


class _Listed(NamedTuple):
    place: Place
    session: _Session


class SessionCatalogue:
    """What is listed of sessions. The archive comes with each call: there may be none, or none that can be read now."""

    def __init__(self, read: Callable[[], Awaitable[list[SessionRecord]]], clocks: ClockBounds = _CLOCKS) -> None:
        """`read`: gives the sessions of the buffer. `clocks`: what time ranges of live sessions may say."""
        self._cache = SessionListCache(read)
        self._texts = SessionTexts(clocks)
        self._live = LiveSessions()
        self._records: list[SessionRecord] = []
        self._by_identity: dict[str, SessionRecord] = {}

    async def list(self, request: ListRequest, archive: Archive | None = None) -> str:
        """The page as JSON.

        :raises MalformedError: kind `query`; it is too much work.
        :raises TransportError: the buffer cannot be read, or a session JSON is large and cannot be read now.
        :raises ArchiveError: the archive cannot be read.
        """
        page = await (self._live_page(request.query) if archive is None else self._page(request.query, archive))
        texts = []
        for i, session in enumerate(page, 1):
            texts.append(await self._texts.listed(session, request.props))
            if i % _AT_ONCE == 0:  # live data goes first
                await trio.lowlevel.checkpoint()
        return '{"sessions":[' + ",".join(filter(None, texts)) + "]}"

    async def text(self, session: _Session) -> str:
        """The JSON of a session that has one, with the time range that is known now."""
        return await self._texts.told(session)

    async def properties(self, folder: str | None, archive: Archive | None = None) -> Sequence[Property]:
        """What properties the sessions have. Raises what `list` raises."""
        await self._refresh()
        live = await self._live.properties(folder)
        return live if archive is None else merge_properties(live, await archive.properties(folder))

    def list_anew(self) -> None:
        """A session of the buffer has been forgotten: the next list is without it."""
        self._cache.list_anew()

    async def _refresh(self) -> Mapping[str, SessionRecord]:
        """The sessions of the buffer by the identities that the live catalogue gives."""
        records = await self._cache.records()
        if records is not self._records:
            await self._live.refresh(records)
            self._records = records
            self._by_identity = {storable(r.identity): r for r in records}
            self._texts.keep(r.identity for r in records)
        return self._by_identity

    async def _live_page(self, query: SessionQuery) -> Sequence[_Session]:
        records = await self._refresh()
        return [records[one.identity] for one in await self._live.find(query) if one.identity in records]

    async def _page(self, query: SessionQuery, archive: Archive) -> Sequence[_Session]:
        records = await self._refresh()
        identities, hiding = await self._live.identities()
        hidden = await _recorded_sub_sessions(archive, identities)
        if not query.top_level:
            hiding = hidden = frozenset()
        until = None if query.limit is None else query.offset + query.limit
        found = await self._live.find(evolve(query, offset=0, limit=until, without=query.without | hidden))
        live = [_Listed((f.order, f.identity), records[f.identity]) for f in found if f.identity in records]
        recorded = _Recorded(archive, evolve(query, without=query.without | identities | hiding))
        before = await recorded.live_before(live, query.offset)
        return await recorded.merged(live[before:], query.offset - before, query.limit)


class _Recorded:
    """The recorded sessions that are to be merged with live ones."""

    def __init__(self, archive: Archive, query: SessionQuery) -> None:
        self._archive = archive
        self._query = query
        self._order = listing_order(query.sort)

    async def merged(self, live: Sequence[_Listed], offset: int, limit: int | None) -> list[_Session]:
        """Live ones, and recorded ones from `offset` on. To find the place of a recorded one, its JSON has to be read:
        of as few as possible."""
        if limit and len(live) >= limit and await self._precedes(live[limit - 1], offset):
            return [one.session for one in live[:limit]]
        recorded = await self._archive.sessions(evolve(self._query, offset=offset, limit=limit))
        waiting = deque(live)
        merged: list[_Session] = []
        for count, session in enumerate(recorded):
            if not waiting or len(merged) == limit:
                return [*merged, *recorded[count:]][:limit]
            if count % _AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            place = self._order(await self._place(session))
            while waiting and self._order(waiting[0].place) < place and len(merged) != limit:
                merged.append(waiting.popleft().session)
            merged.append(session)
        return [*merged, *(one.session for one in waiting)][:limit]

    async def live_before(self, live: Sequence[_Listed], offset: int) -> int:
        """How many of the live ones are among the first `offset` of the merged list."""

        async def is_before(index: int) -> bool:
            place = offset - 1 - index  # of the recorded session that it has to precede
            return place >= 0 and await self._precedes(live[index], place)

        low, high = 0, min(len(live), offset)
        if high and await is_before(high - 1):  # mostly they are all newer
            return high
        while low < high:
            middle = (low + high) // 2
            if await is_before(middle):
                low = middle + 1
            else:
                high = middle
        return low

    async def _precedes(self, one: _Listed, place: int) -> bool:
        """Whether a live one comes before the recorded one at a place, if there is one."""
        there = await self._archive.sessions(evolve(self._query, offset=place, limit=1))
        return not there or self._order(one.place) < self._order(await self._place(there[0]))

    async def _place(self, session: ArchivedSession) -> Place:
        usual = self._query.sort == NEWEST_FIRST
        properties = await properties_of(session.identity, session.json, usual)
        return sort_values(properties, self._query.sort), storable(session.identity)


async def _recorded_sub_sessions(archive: Archive, live: frozenset[str]) -> frozenset[str]:
    """The children and alternates of recorded sessions that are live themselves."""
    if not live:
        return live
    wanted = tuple(sorted(live))
    criterion = AnyOf((Comparison("children", Operator.IN, wanted), Comparison("alternates", Operator.IN, wanted)))
    found: set[str] = set()
    for parent in await archive.sessions(SessionQuery(criterion, (), top_level=False, without=live)):
        for one in await properties_of(parent.identity, parent.json, usual=True):
            if one.path in ("children", "alternates"):
                found.add(str(one.value))
    return live & found
