"""The archive's port on a store in this process: as the process does it, without the process."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import trio
from rta_transports.sqlite.archive import SqliteArchive
from rta_transports.sqlite.store import ArchiveStore

from rta.ports import Context
from rta.store.calls import WithBytes


class Report:
    """Nothing is to be wrong."""

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        raise AssertionError(f"{metric} {labels}")

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        raise AssertionError(f"{source}: {kind}: {detail}")

    def notice(self, source: str, kind: str, detail: str) -> None: ...


def context(folder: Path) -> Context:
    return Context("archive", folder, lambda: 0, Report())


class StoreHere:
    """A worker whose store is in this process."""

    def __init__(self, store: ArchiveStore) -> None:
        self.store = store
        self.beginning = None
        self.damage: list[str] = []
        self.lost = trio.Event()

    async def ask(self, writes: bool, work: Callable[..., Any], *arguments: object, cursor: int | None = None) -> Any:
        await trio.lowlevel.checkpoint()
        found = work(self.store, *arguments)
        if isinstance(found, WithBytes):
            data = b"".join(found.data)
            return found._replace(data=(data,) if data else ())
        return found

    def tell(self, cursor: int, work: Callable[..., Any], *arguments: object) -> None:
        work(self.store, *arguments)


def as_left_by_a_killed_process(folder: Path) -> Path:
    """A copy of an archive's folder as it is now, while the archive is open."""
    left = folder.with_name(f"{folder.name}-{len(list(folder.parent.iterdir()))}")
    shutil.copytree(folder, left, ignore=shutil.ignore_patterns("*-shm"))
    return left


@contextmanager
def opened(folder: Path) -> Iterator[ArchiveStore]:
    store = ArchiveStore(folder)
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def archive_of(folder: Path) -> AsyncIterator[SqliteArchive]:
    """An archive whose store is in this process."""

    @asynccontextmanager
    async def open_worker(path: Path) -> AsyncIterator[Any]:
        with opened(path) as store:
            yield StoreHere(store)

    archive = SqliteArchive(open_worker, context(folder), folder)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(archive.run)
        await archive.open()
        yield archive
        archive.close()
