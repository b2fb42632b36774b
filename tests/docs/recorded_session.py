"""Lays down what a page takes for recorded: an archive with one session."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from rta_transports.sqlite.calls import append
from rta_transports.sqlite.store import ArchiveStore

from rta.testing.archive_under_test import portion
from rta.testing.bursts import json_burst, numbered_burst, session_json

with closing(ArchiveStore(Path("state/archive"))) as store:
    bursts = [(1, json_burst(session_json("drive-1"))), (2, numbered_burst(1))]
    append(store, portion(bursts, identity="drive-1"))
