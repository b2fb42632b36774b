"""The archive on disk keeps the archive's contract: its store by itself, and in its process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rta_transports.sqlite import TRANSPORT, SqliteArchiveOptions

from rta.ports import Archive
from rta.testing import ArchiveContract

from .store_archive import archive_of, as_left_by_a_killed_process, context


class TestStore(ArchiveContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "archive"

    @asynccontextmanager
    async def open_archive(self) -> AsyncIterator[Archive]:
        async with archive_of(self.folder) as archive:
            yield archive

    @asynccontextmanager
    async def open_again(self, archive: Archive) -> AsyncIterator[Archive]:
        left = as_left_by_a_killed_process(self.folder)
        async with archive_of(left) as again:
            yield again


@pytest.mark.processes
class TestProcess(ArchiveContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "archive"

    @asynccontextmanager
    async def open_archive(self) -> AsyncIterator[Archive]:
        offer = TRANSPORT.archive
        assert offer is not None
        async with offer.open(SqliteArchiveOptions(path=str(self.folder)), context(self.folder)) as archive:
            yield archive

    @asynccontextmanager
    async def open_again(self, archive: Archive) -> AsyncIterator[Archive]:
        left = as_left_by_a_killed_process(self.folder)
        offer = TRANSPORT.archive
        assert offer is not None
        async with offer.open(SqliteArchiveOptions(path=str(left)), context(left)) as again:
            yield again
