"""An archive whose process is killed again and again while it is written."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import trio
from rta_transports.sqlite import calls
from rta_transports.sqlite.archive import SqliteArchive, open_archive
from rta_transports.sqlite.kind import ARCHIVE
from rta_transports.sqlite.options import SqliteArchiveOptions
from rta_transports.sqlite.upkeep import upkeep

from rta.errors import ArchiveError
from rta.ports import START, ArchiveLimits, DataKind, DataRange, Entry, FlushPoint, Portion, Position
from rta.store.worker import StoreWorker, in_a_process
from rta.testing.archive_samples import samples_of
from rta.testing.bursts import json_burst, number_of, numbered_burst, session_json
from rta.wire import ChunkParser

from .store_archive import context

_SECOND = 10**9
_SESSIONS = 3
_PLENTY = 64 << 20


class KilledArchive:
    """What has been written, so that what is there can be compared with it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._rng = random.Random(seed)
        self._now = 1_700_000_000 * _SECOND
        self._number = 0
        self._numbers: list[list[int]] = [[] for _ in range(_SESSIONS)]
        """Of the bursts of each session that the archive has said it has."""
        self._unsure: Portion | None = None
        """What may have been appended."""
        self._acknowledged = START

    async def live(self) -> int:
        """One process, until it is killed. How many calls it has answered."""
        answered = 0
        async with in_a_process(ARCHIVE, self._folder) as worker, trio.open_nursery() as nursery:
            await self._check_flush_point(worker)
            nursery.start_soon(self._kill, self._rng.expovariate(1 / 0.3))
            try:
                while True:
                    await self._write(worker)
                    answered += 1
            except ArchiveError:
                nursery.cancel_scope.cancel()
        return answered

    async def _kill(self, after: float) -> None:
        await trio.sleep(after)
        os.kill(_process_of(self._folder), signal.SIGKILL)

    async def _check_flush_point(self, worker: StoreWorker) -> None:
        point = (await worker.ask(False, calls.flush_points)).get("s", START)
        last = self._unsure.upto if self._unsure else self._acknowledged
        assert point in (self._acknowledged, last), f"{point} after {self._acknowledged}, perhaps {last}"

    async def _write(self, worker: StoreWorker) -> None:
        portion = self._unsure or self._portion()
        self._unsure = portion
        await worker.ask(True, calls.append, portion)
        self._has_written(portion)
        self._now += self._rng.randrange(20) * _SECOND
        await worker.ask(True, upkeep, self._now, ArchiveLimits(log_age=60 * _SECOND))

    def _has_written(self, portion: Portion) -> None:
        self._acknowledged, self._unsure = portion.upto, None
        for entry in portion.entries:
            if not entry.burst.session_json:
                self._numbers[entry.session_id].append(number_of(entry.burst))

    def _portion(self) -> Portion:
        entries = []
        for _ in range(self._rng.randrange(1, 6)):
            self._number += 1
            session = self._rng.randrange(_SESSIONS)
            burst = numbered_burst(self._number)
            if self._rng.random() < 0.3:
                state = self._rng.choice(("open", "closed"))
                burst = json_burst(session_json(f"s{session}", state, group=str(self._number)))
            entries.append(Entry(Position(self._number, 0), session, burst))
        runs = {session: (f"s{session}", START) for session in {entry.session_id for entry in entries}}
        return Portion("s", entries, runs, entries[-1].position)

    async def check(self) -> None:
        """Everything that was acknowledged is there, and once; so by chunks, and by entries as far as they are held."""
        async with open_archive(SqliteArchiveOptions(path=str(self._folder)), context(self._folder)) as archive:
            if self._unsure is not None:
                await archive.append(self._unsure)
                self._has_written(self._unsure)
            for session, numbers in enumerate(self._numbers):
                if not numbers:
                    continue
                async with archive.read(f"s{session}", DataRange(DataKind.TIMESTAMPED)) as reader:
                    chunks, parser = [], ChunkParser(DataKind.TIMESTAMPED)
                    while found := await reader.next():
                        chunks += parser.feed(found)
                assert reader.damaged == 0
                assert sorted(int(sample.number) for sample in samples_of(chunks)) == numbers
                await self._check_entries(archive, session, numbers)

    async def _check_entries(self, archive: SqliteArchive, session: int, numbers: list[int]) -> None:
        found = await archive.find(f"s{session}")
        assert found is not None
        (run,) = found.runs
        batch = await archive.read_entries(FlushPoint("s", session, run.held_from), run.upto, _PLENTY)
        held = [number_of(entry.burst) for entry in batch.entries if not entry.burst.session_json]
        assert not batch.lost
        assert held == numbers[len(numbers) - len(held) :]


def _process_of(folder: Path) -> int:
    """The process of ours that has an archive open."""
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                command = (path / "cmdline").read_bytes().split(b"\0")
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == os.getpid() and os.fsencode(folder) in command:
                return int(path.name)
    raise AssertionError(f"no process of ours has {folder} open")
