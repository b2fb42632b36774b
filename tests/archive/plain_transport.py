"""A transport whose archive is the plain one, as a plug-in would be installed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import EntryPoint
from unittest import mock

from attrs import define

from rta.errors import ArchiveError
from rta.ports import GROUP, Context, Offer, Transport, transport

from .plain_archive import PlainArchive

__all__ = ["TRANSPORT", "PlainOptions", "opened_archives", "plain_installed"]

opened_archives: list[PlainArchive] = []
_kept: dict[str, PlainArchive] = {}


@define
class PlainOptions:
    """An archive that outlives its opening as long as the test does."""


@asynccontextmanager
async def open_plain(options: PlainOptions, context: Context) -> AsyncIterator[PlainArchive]:
    if context.state_dir is None:
        raise ArchiveError("the archive has no place")
    archive = _kept.setdefault(str(context.state_dir), PlainArchive())
    opened_archives.append(archive)
    yield archive
    opened_archives.remove(archive)


TRANSPORT = Transport(archive=Offer(PlainOptions, open_plain))


@contextmanager
def plain_installed() -> Iterator[None]:
    """`transport = "plain"` can be written in `[archive]` inside this block."""
    others = transport.available()
    plain = EntryPoint("plain", f"{__name__}:TRANSPORT", GROUP)
    with mock.patch.object(transport, "available", return_value={**others, "plain": plain}):
        yield
