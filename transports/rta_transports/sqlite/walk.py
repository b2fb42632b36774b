"""Comparing the session files with the catalogue, a folder at a time: after a crash, and when the catalogue is new."""

from __future__ import annotations

import os
import time

from attrs import define

from rta.store.database import connect, damage_in
from rta_transports.sqlite.bound_types import bindings_of
from rta_transports.sqlite.catalogue_file import CataloguedSession
from rta_transports.sqlite.folder import size_of
from rta_transports.sqlite.kind import FAULTS
from rta_transports.sqlite.log_tables import SessionRow
from rta_transports.sqlite.session_file import read_head
from rta_transports.sqlite.store import ArchiveStore

__all__ = ["Walk"]

_FOLDERS = 256
_OPEN = ".open.sqlite"
_SEALED = ".sqlite"


@define
class Walk:
    """Once over all folders."""

    _next: int = 0
    _left: list[str] | None = None
    """Files of the folder that are to be looked at."""

    def step(self, store: ArchiveStore, until: float) -> bool:
        """Go on to a time of the steady clock, about. Whether there is more to be done at once."""
        while self._next < _FOLDERS:
            digits = f"{self._next:02x}"
            if self._left is None:
                self._left = self._unknown(store, digits)
            while self._left:
                _take_up(store, digits, self._left.pop())
                if time.monotonic() >= until:
                    return True
            self._left = None
            self._next += 1
            if not store.is_new or time.monotonic() >= until:
                return store.is_new
        return False

    def _unknown(self, store: ArchiveStore, digits: str) -> list[str]:
        """Names of files that the catalogue or the log does not know. What the catalogue alone knows is left out of it
        from now on."""
        try:
            names = {name for name in os.listdir(store.places.sessions / digits) if name.endswith(_SEALED)}
        except FileNotFoundError:
            names = set()
        known = store.catalogue.in_folder(digits)
        for digest, identity in known.items():
            gone = names.isdisjoint({f"{digest}{_SEALED}", f"{digest}{_OPEN}"})
            if gone and not store.log.is_recorded(identity):
                store.catalogue.remove(identity)
        unknown = {name for name in names if not name.endswith(_OPEN) and name.removesuffix(_SEALED) not in known}
        opened = {name for name in names if name.endswith(_OPEN)}
        recorded = {store.places.open(identity).name for identity in store.log.recorded()}
        return sorted(unknown | opened - recorded)


def _take_up(store: ArchiveStore, digits: str, name: str) -> None:
    """What a file has that nobody knows of."""
    path = store.places.sessions / digits / name
    try:
        db = connect(path, reading=True)
        try:
            head = read_head(db)
        finally:
            db.close()
    except FAULTS as e:
        if (reason := damage_in(e)) is not None:
            store.suspect(path, reason)
        return
    if name.endswith(_OPEN):
        if not store.log.is_recorded(head.identity):
            row = SessionRow(store.log.new_id("sessions"), head.identity)
            store.writing(lambda: store.log.note([row]))
        return
    touched = int(path.stat().st_mtime_ns)
    version = f"{head.generation}-{head.cut}-{head.described}-{head.chunks}"
    entry = CataloguedSession(head.identity, head.span, True, version, size_of(store.places, head.identity), touched)
    store.catalogue.put(entry, head.json, [binding.identifier for binding in bindings_of(head.json)])
