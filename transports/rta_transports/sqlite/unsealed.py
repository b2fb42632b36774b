"""A session that is being recorded, or waits to be sealed: what its files have, and what has come since."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from attrs import define, evolve, field

from rta.archive import ChunkBuilder
from rta.ports import DataRange, Position
from rta.wire import Burst, ByteOrder, Chunk, SampleType, TimeRange
from rta_transports.sqlite.building import round_chunks, round_rows, wanted_of
from rta_transports.sqlite.chunk_rows import ChunkRow
from rta_transports.sqlite.log_tables import SessionRow
from rta_transports.sqlite.run import KeptRun
from rta_transports.sqlite.session_file import Round, RoundRun, SessionHead

__all__ = ["RunKey", "UnsealedSession"]

RunKey = tuple[str, int, Position]
"""Stream, id and start of a run."""


@define(eq=False)
class UnsealedSession:
    """Changed by the writing thread, under the lock of the store."""

    row: SessionRow
    head: SessionHead
    """Of the open file as it is, or as it will be made."""
    has_file: bool
    """Whether the open file is there."""
    sealed: SessionHead | None
    """Of the sealed file, if there is one beside it."""
    json: str
    span: TimeRange | None
    runs: dict[RunKey, KeptRun]
    """In the order in which they began."""
    types: dict[int, tuple[SampleType, ByteOrder]] = field(factory=dict)
    """Of its channels, as far as they are known."""
    builder: ChunkBuilder = field(init=False)
    first_uncut: int | None = None
    """The number of the first row that is in the builder alone."""
    newest: int = 0
    """The number of the last row."""
    round_runs: dict[RunKey, RoundRun] = field(factory=dict)
    """What has come since the last round."""
    described: int = 0
    changed: bool = False
    """Something that the head is to have is not in the file."""
    begun: int | None = None
    """When the first row of the next round came, or the head changed, ns, about."""
    db: sqlite3.Connection | None = None
    """To write the open file."""
    size: int = 0
    """Bytes of its files."""
    spanless: bool = False
    """Data have come without a time range since the last round."""

    def __attrs_post_init__(self) -> None:
        self.builder = ChunkBuilder(self.types)

    @property
    def identity(self) -> str:
        return self.row.identity

    @property
    def version(self) -> str:
        """As the port has it."""
        chunks = self.sealed.chunks if self.sealed else 0
        return f"{self.head.generation}-{self.newest}-{self.described}-{self.head.chunks + chunks}-{len(self.runs)}"

    def feed(self, number: int, run: RunKey, position: Position, burst: Burst) -> None:
        """A burst that is in the log."""
        self.builder.feed(burst)
        self.newest = number
        self.changed = True
        if self.first_uncut is None:
            self.first_uncut = number
        if burst.session_json:
            self.json = burst.session_json[-1]
        self.span = TimeRange.union_of(self.span, burst.time_range)
        self.spanless |= burst.time_range is None and (burst.has_data or burst.has_events)
        known = self.round_runs.get(run) or RoundRun(*run, position, position, 0)
        self.round_runs[run] = evolve(known, latest=position, entries=known.entries + 1)

    def next_round(self) -> Round | None:
        """What is to be cut now; None: no rows have come."""
        if self.first_uncut is None:
            return None
        return Round(self.newest, tuple(self.round_runs.values()), self.first_uncut)

    def next_head(self, log: bytes, points: Mapping[str, Position]) -> SessionHead:
        """What the head of the open file says after the next round. `points`: of the streams."""
        runs = tuple(
            evolve(run, id=0, upto=run.flush_point(points.get(run.stream, run.upto))) for run in self.runs.values()
        )
        return evolve(
            self.head,
            json=self.json,
            span=self.span,
            log=log,
            cut=max(self.newest, self.head.cut) if self.head.log == log else self.newest,
            runs=runs,
            described=self.described,
        )

    def tail(self, wanted: DataRange) -> list[Chunk]:
        """What is wanted of what is in no file."""
        return wanted_of(self.builder, wanted)

    def round(self) -> list[ChunkRow]:
        """All that is in no file, for a file."""
        return round_rows(self.builder, self.types, self.first_uncut or 0, self.newest)

    def cover(self, rows: Iterable[ChunkRow]) -> None:
        """The span is to cover a round."""
        self._cover(row.chunk for row in rows)

    def cover_tail(self) -> None:
        """The span is to cover what is in no file, too."""
        if self.spanless:
            self._cover(round_chunks(self.builder))

    def _cover(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            self.span = TimeRange.union_of(self.span, TimeRange(chunk.start, chunk.end))
        self.spanless = False

    def has_cut(self, head: SessionHead) -> None:
        """The round is in the file."""
        self.head, self.has_file, self.changed, self.begun = head, True, False, None
        self.builder.clear()
        self.first_uncut = None
        self.round_runs = {}
