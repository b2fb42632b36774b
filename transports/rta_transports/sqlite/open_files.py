"""Session files that are kept open for writing."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from attrs import evolve

from rta.state_file import sync_folder
from rta.store.database import connect
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.session_file import SessionHead, create_session_file
from rta_transports.sqlite.unsealed import UnsealedSession

__all__ = ["OpenFiles"]

_MOST = 64


class OpenFiles:
    """A bounded number of them. For the writing thread."""

    def __init__(self, places: ArchivePlaces) -> None:
        self._places = places
        self._sessions: dict[str, UnsealedSession] = {}

    def open(self, session: UnsealedSession, head: SessionHead) -> sqlite3.Connection:
        """The open file of a session; made with this head if it is not there.

        :raises sqlite3.Error, OSError: it cannot be opened or made.
        """
        if session.db is not None:
            return session.db
        path = self._places.open(session.identity)
        if not session.has_file:
            path.parent.mkdir(parents=True, exist_ok=True)
            create_session_file(path, evolve(head, cut=session.head.cut, chunks=0))
            sync_folder(path.parent)
        db = session.db = connect(path)
        self._sessions[session.identity] = session
        while len(self._sessions) > _MOST:
            self.close(next(iter(self._sessions.values())))
        return db

    def close(self, session: UnsealedSession) -> None:
        """Nothing is written to its file for now."""
        self._sessions.pop(session.identity, None)
        db, session.db = session.db, None
        if db is not None:
            with suppress(sqlite3.Error, UnicodeDecodeError):
                db.close()

    def close_path(self, path: Path) -> None:
        """The same of the session, if any, that has this file."""
        for session in list(self._sessions.values()):
            if self._places.open(session.identity) == path:
                self.close(session)

    def close_all(self) -> None:
        for session in list(self._sessions.values()):
            self.close(session)
