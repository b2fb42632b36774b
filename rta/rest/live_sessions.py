"""The sessions of a buffer in a catalogue in memory, so that queries find them as they find recorded ones."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import trio

from rta.errors import MalformedError
from rta.large_json import read_large
from rta.ports import SessionRecord
from rta.session_catalogue import (
    FoundPlace,
    SessionProperty,
    create_catalogue,
    find_places,
    put_session,
    read_properties,
    read_usual,
    remove_session,
    storable,
    sub_sessions,
    survey_properties,
)
from rta.session_query import EVERYTHING, NEWEST_FIRST, Property, SessionQuery
from rta.store.database import transaction

__all__ = ["LiveSessions", "properties_of"]

_FEW = 500  # sessions that are searched, or written, where they are: some milliseconds
_SMALL = 4096  # characters of a session JSON that are read at once
_AT_ONCE = 20  # sessions read, or written, without letting others run
_MAX_WORK = 50_000_000  # steps of a query: under a second

T = TypeVar("T")
Properties = tuple[SessionProperty, ...]
Change = tuple[str, str, Properties | None]
Read = Callable[[str, str], Properties]


class LiveSessions:
    """What is searched is what was there at the last `refresh`.

    Most lists are the usual one. So all properties are read and written only once something else is asked for.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._db.close)
        create_catalogue(self._db)
        self._texts: dict[str, str] = {}
        self._incomplete: dict[str, str] = {}
        self._unreadable: set[str] = set()
        self._using = trio.Lock()

    async def refresh(self, records: Sequence[SessionRecord]) -> None:
        """These are the sessions now. Those whose JSON cannot be read are left out.

        :raises NotConnectedError: a session JSON is large and cannot be read now.
        """
        async with self._using:
            texts = {record.identity: record.json for record in records if record.json is not None}
            gone = [identity for identity in self._texts if identity not in texts]
            changed = {i: text for i, text in texts.items() if self._texts.get(i) != text}
            await self._put(gone, changed, read_usual)
            for identity in gone:
                del self._texts[identity]
                self._incomplete.pop(identity, None)
            self._texts.update(changed)
            self._incomplete.update(changed)

    async def find(self, query: SessionQuery) -> list[FoundPlace]:
        """Those that a query asks for.

        :raises MalformedError: kind `query`; it is too much work.
        :raises NotConnectedError: a session JSON is large and cannot be read now.
        """
        async with self._using:
            if (query.criterion, query.sort, query.folder) != (EVERYTHING, NEWEST_FIRST, None):
                await self._complete()
            return await self._run(len(self._texts), find_places, self._db, query, _MAX_WORK)

    async def identities(self) -> tuple[frozenset[str], frozenset[str]]:
        """Of those that can be read, and of their children and alternates."""
        async with self._using:
            sub = await self._run(len(self._texts), sub_sessions, self._db)
            return frozenset(map(storable, self._texts.keys() - self._unreadable)), sub

    async def properties(self, folder: str | None) -> list[Property]:
        """What properties they have. Raises what `find` raises."""
        async with self._using:
            await self._complete()
            return await self._run(len(self._texts), survey_properties, self._db, folder, _MAX_WORK)

    async def _complete(self) -> None:
        await self._put((), self._incomplete, read_properties)
        self._incomplete = {}

    async def _put(self, gone: Sequence[str], texts: Mapping[str, str], read: Read) -> None:
        changes: list[Change] = []
        for identity, text in texts.items():
            if len(changes) % _AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            changes.append((identity, text, await _read(read, identity, text)))
        self._unreadable.difference_update(gone, texts)
        self._unreadable.update(identity for identity, _, properties in changes if properties is None)
        size = max(len(gone), len(changes))
        at_once = _AT_ONCE if size <= _FEW else size
        for at in range(0, size, at_once):
            await self._run(size, self._write, gone[at : at + at_once], changes[at : at + at_once])

    async def _run(self, size: int, work: Callable[..., T], *arguments: object) -> T:
        """Live data goes first: what takes long is done in a thread."""
        if size > _FEW:
            return await trio.to_thread.run_sync(work, *arguments)
        await trio.lowlevel.checkpoint()
        return work(*arguments)

    def _write(self, gone: Sequence[str], changes: Sequence[Change]) -> None:
        with transaction(self._db):
            for identity in gone:
                remove_session(self._db, identity)
            for identity, text, properties in changes:
                if properties is None:
                    remove_session(self._db, identity)
                else:
                    put_session(self._db, identity, text, properties)


async def _read(read: Read, identity: str, text: str) -> Properties | None:
    try:
        return read(identity, text) if len(text) <= _SMALL else await read_large(_of, text, read, identity)
    except MalformedError:
        return None


def _of(text: str, read: Read, identity: str) -> Properties:
    return read(identity, text)


async def properties_of(identity: str, text: str, usual: bool = False) -> Properties:
    """Of a session JSON that may be large; none if it cannot be read. `usual`: those that the usual list needs."""
    return await _read(read_usual if usual else read_properties, identity, text) or ()
