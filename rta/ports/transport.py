"""What a plug-in offers under the entry-point group `rta.transports`, and how it is found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from attrs import field, frozen

from rta.errors import RtaError
from rta.formatting import shown_url
from rta.ports.archive import Archive
from rta.ports.burst_log import BurstLog
from rta.ports.edge import Edge
from rta.ports.entry_point import load_entry_point
from rta.ports.finding import Finding
from rta.ports.inspection import Inspection
from rta.ports.loading import FileLoad
from rta.ports.session_import import SessionImport
from rta.ports.source import Source
from rta.ports.stored_archive import StoredArchive
from rta.ports.topic_bus import TopicBus
from rta.wire.json_text import SESSION_LIMITS, JsonLimits
from rta.wire.samples import ByteOrder, SampleType

__all__ = ["GROUP", "Context", "Offer", "Reporter", "Transport", "available", "load_transport"]

GROUP = "rta.transports"

P = TypeVar("P", covariant=True)

ChannelTypeMap = Mapping[int, tuple[SampleType, ByteOrder]]


class Reporter(Protocol):
    """Where a transport says what went wrong outside."""

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        """Input that was left out: counted, and logged once per source and kind. `part`: of the source, as a column of
        a table, for summaries."""
        ...

    def notice(self, source: str, kind: str, detail: str) -> None:
        """Something to know although nothing was left out: counted, and logged once per source and kind."""
        ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        """Add to a metric of the registry."""
        ...

    def gauge(self, metric: str, amount: float, **labels: str) -> None:
        """Set a gauge of the registry."""
        ...


@frozen
class Context:
    """What the site gives a transport when it opens it."""

    name: str
    """The instance's name, for logs and metrics."""
    folder: Path
    """What relative paths are relative to."""
    clock: Callable[[], int]
    """Wall clock, ns since the Unix epoch."""
    report: Reporter
    state_dir: Path | None = None
    """The folder for what is to survive a restart, which need not be there yet; None: nothing does."""
    note: Callable[[str], None] = lambda what: None
    """Tells `/health` that something has been lost or set aside, though the work goes on."""
    warn: Callable[[str, str | None], None] = lambda about, what: None
    """Tells `/health` of something to look at for now: about what, and what it is; None: all is well again."""
    session_json: JsonLimits = SESSION_LIMITS
    """How much a session JSON may hold that others have written."""


@frozen
class Offer(Generic[P]):
    """One thing a transport can be: its options class, a check that starts nothing, and how to open it."""

    options: type[Any]
    """An attrs class of `rta.ports.option` fields."""
    open: Callable[[Any, Context], AbstractAsyncContextManager[P]]
    check: Callable[[Any, Context], list[str]] = lambda options, context: []
    """What is wrong with the files and places the options name, one line each."""
    shared: bool = False
    """Of a log: whether other processes see the same one."""
    address: Callable[[Any], tuple[str, int]] | None = None
    """Of an edge that several processes can be behind: the host and the port of these options."""
    encrypted: Callable[[Any], bool] | None = None
    """Of an edge: whether what it sends with these options can be read by its clients alone."""
    examine: Callable[[Any, Context, str | None, float | None], Awaitable[list[Finding]]] | None = None
    """For `rta doctor`: look at the other side, and at one session of it if an identity is given. The number: how many
    seconds of the end of a session a new client gets; None: all there is. Changes nothing, does a bounded amount of
    work, and what cannot be reached is a finding, not an error."""
    stored: Callable[[Any, Context], AbstractContextManager[StoredArchive]] | None = None
    """Of an archive on the disk of this machine: as the command line sees it. Raises `ArchiveError`: there is none."""
    write_session: Callable[[Any, Context, str, Mapping[int, tuple[SampleType, ByteOrder]]], SessionImport] | None = (
        None
    )
    """Of an archive on the disk of this machine: begin to write a closed session of this identity, with channels of
    these types. The archive takes it in, whether or not a process has it open. Blocks. Raises `ArchiveError`."""
    inspect: Callable[[Any, Context, int | None, Callable[[float], None]], Inspection] | None = None
    """Of a source that reads a file: what it holds. Reads so many rows at most, and says from 0 to 1 how far it is.
    Blocks. Raises `RtaError` where the file or the options are not fit."""
    load: Callable[[Any, Context], FileLoad] | None = None
    """Of a source that reads a file: all that it holds, as fast as it can be read. Blocks. Raises `RtaError` where the
    file or the options are not fit."""


@frozen
class Transport:
    """A transport: whichever of the ports it can be."""

    log: Offer[BurstLog] | None = None
    topics: Offer[TopicBus] | None = None
    source: Offer[Source] | None = None
    edge: Offer[Edge] | None = None
    archive: Offer[Archive] | None = None
    summary: str = field(default="")


def available() -> dict[str, EntryPoint]:
    """Every installed transport by name."""
    return {e.name: e for e in entry_points(group=GROUP)}


def load_transport(name: str) -> Transport:
    """Import a transport.

    :raises RtaError: there is none of this name, it does not import, or it is something else.
    """
    found = available()
    if name not in found:
        raise RtaError(
            f"no transport {shown_url(name)!r} is installed; there are: {', '.join(sorted(found)) or 'none'}"
        )
    return load_entry_point(found[name], Transport)
