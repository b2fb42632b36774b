"""An archive of many recorded sessions that the benchmark lays down: a row of the catalogue and a file for each.

The files are links to a few: no list opens one.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from rta_transports.sqlite.catalogue_file import CataloguedSession
from rta_transports.sqlite.places import ArchivePlaces
from rta_transports.sqlite.sealed_file import SealedFile
from rta_transports.sqlite.session_file import SessionHead
from rta_transports.sqlite.store import ArchiveStore

from rta.wire import TimeRange

__all__ = ["DRIVERS", "lay_down"]

DRIVERS = tuple(f"D{n:02}" for n in range(100))
"""Values of `details.driver`: a hundredth of the sessions has each."""

_BEGIN = 1_600_000_000
_APART = 1200  # s between two sessions
_LINKS = 20_000  # to one file: file systems bound them


def lay_down(folder: Path, count: int) -> float:
    """Into the archive of this folder, which is closed again; seconds that it took."""
    began = time.perf_counter()
    store = ArchiveStore(folder)
    try:
        store.catalogue.db.execute("PRAGMA synchronous = OFF")  # of this connection, which is closed again
        store.catalogue.db.execute("PRAGMA cache_size = -262144")  # KiB
        places = store.places
        for number, document in enumerate(_documents(count)):
            identity = document["identity"]
            path = places.sealed(identity)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(_template(places, number // _LINKS), path)
            span = TimeRange(document["timeRange"]["startTime"], document["timeRange"]["endTime"])
            session = CataloguedSession(identity, span, True, "1", 4096, span.start)
            store.catalogue.put(session, json.dumps(document))
    finally:
        store.close()
    return time.perf_counter() - began


def _template(places: ArchivePlaces, number: int) -> Path:
    path = places.folder.parent / f"sealed-{number}"
    if not path.exists():
        SealedFile(path, large=False).finish(SessionHead("bench", "{}", None))
    return path


def _documents(count: int) -> Iterator[dict[str, Any]]:
    rng = Random(count)
    for number in range(count):
        begin = _BEGIN + number * _APART
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin))
        yield {
            "identity": f"session-{number:06}",
            "state": "closed",
            "timestamp": at,
            "identifier": f"Run {number}",
            "type": "Stream",
            "quality": round(rng.random(), 2),
            "timeRange": {"startTime": begin * 10**9, "endTime": (begin + 600) * 10**9},
            "group": f"season {number * 10 // count}",
            "details": {
                "driver": DRIVERS[number % len(DRIVERS)],
                "track": f"Track {rng.randrange(24)}",
                "car": rng.randrange(1, 3),
                "run": number,
                "wet": rng.random() < 0.1,
            },
        }
