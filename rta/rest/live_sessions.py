"""The sessions of a buffer in a catalogue in memory, so that queries find them as they find recorded ones."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Sequence
from typing import TypeVar

import trio

from rta.errors import MalformedError
from rta.large_json import read_large
from rta.ports import SessionRecord
from rta.session_catalogue import (
    FoundSession,
    SessionProperty,
    create_catalogue,
    find_sessions,
    put_session,
    read_properties,
    remove_session,
    storable,
    sub_sessions,
    survey_properties,
)
from rta.session_query import Property, SessionQuery
from rta.store.database import transaction

__all__ = ["LiveSessions", "properties_of"]

_FEW = 500  # sessions that are written, or searched, where they are: some milliseconds
_AT_ONCE = 20  # written without letting others run
_MAX_WORK = 50_000_000  # steps of a query: under a second

T = TypeVar("T")
Change = tuple[str, str, tuple[SessionProperty, ...] | None]


class LiveSessions:
    """What is searched is what was there at the last `refresh`."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._db.close)
        create_catalogue(self._db)
        self._held: dict[str, str] = {}
        self._unreadable: set[str] = set()
        self._using = trio.Lock()

    async def refresh(self, records: Sequence[SessionRecord]) -> None:
        """These are the sessions now. Those whose JSON cannot be read are left out.

        :raises NotConnectedError: a session JSON is large and cannot be read now.
        """
        async with self._using:
            texts = {record.identity: record.json for record in records if record.json is not None}
            gone = [identity for identity in self._held if identity not in texts]
            changes: list[Change] = []
            for identity, text in texts.items():
                if self._held.get(identity) != text:
                    changes.append((identity, text, await _properties(identity, text)))
            few = len(gone) + len(changes) <= _FEW
            at_once = _AT_ONCE if few else max(len(gone), len(changes))
            for at in range(0, max(len(gone), len(changes)), at_once):
                await self._run(few, self._write, gone[at : at + at_once], changes[at : at + at_once])

    async def find(self, query: SessionQuery) -> list[FoundSession]:
        """Those that a query asks for.

        :raises MalformedError: kind `query`; it is too much work.
        """
        async with self._using:
            return await self._run(len(self._held) <= _FEW, find_sessions, self._db, query, _MAX_WORK)

    async def identities(self) -> tuple[frozenset[str], frozenset[str]]:
        """Of those that can be read, and of their children and alternates."""
        async with self._using:
            sub = await self._run(len(self._held) <= _FEW, sub_sessions, self._db)
            return frozenset(map(storable, self._held.keys() - self._unreadable)), sub

    async def properties(self, folder: str | None) -> list[Property]:
        """What properties they have.

        :raises MalformedError: kind `query`; it is too much work.
        """
        async with self._using:
            return await self._run(len(self._held) <= _FEW, survey_properties, self._db, folder, _MAX_WORK)

    async def _run(self, here: bool, work: Callable[..., T], *arguments: object) -> T:
        if not here:
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
        for identity in gone:
            del self._held[identity]
        self._held.update((identity, text) for identity, text, _ in changes)
        self._unreadable.difference_update(gone, (identity for identity, _, _ in changes))
        self._unreadable.update(identity for identity, _, properties in changes if properties is None)


async def _properties(identity: str, text: str) -> tuple[SessionProperty, ...] | None:
    try:
        return await read_large(properties_of, text, identity)
    except MalformedError:
        return None


def properties_of(text: str, identity: str) -> tuple[SessionProperty, ...]:
    """`read_properties`, as `read_large` calls it."""
    return read_properties(identity, text)
