"""The twin of the archive keeps the archive's contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rta.ports import Archive
from rta.testing import ArchiveContract

from .plain_archive import PlainArchive


class TestPlainArchive(ArchiveContract):
    @asynccontextmanager
    async def open_archive(self) -> AsyncIterator[Archive]:
        yield PlainArchive()
