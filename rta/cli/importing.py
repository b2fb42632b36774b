"""`rta import`: files into an archive, as closed sessions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import trio
from attrs import define, field, frozen

from rta.cli.archive_place import ArchivePlace, archive_options, find_archive
from rta.cli.import_job import ImportJob
from rta.cli.import_progress import ImportProgress
from rta.cli.progress_bar import show_bar
from rta.cli.source_options import file_options, split_pairs
from rta.errors import ArchiveError, RtaError, first_error
from rta.formatting import counted, printable
from rta.importing import file_digest, imported_identity
from rta.ports import ArchiveLimits
from rta.python_command import python_command
from rta.signals import guard_signals

__all__ = ["command"]

_TAKEN_IN = 30.0  # seconds for a service to take in what has been laid down
_LOOK = 0.1
_PLAYING = ("speed", "loop", "burst_interval", "identity")


@frozen
class _Outcome:
    """What has become of a file."""

    file: Path
    sessions: Sequence[dict[str, Any]] = ()
    known: str = ""
    """The identity of the session that it is already."""
    error: str = ""
    share: float = 0.0
    """Of the cells, left out."""
    summary: Sequence[str] = ()


@define
class _Import:
    """Several files on their way."""

    files: tuple[Path, ...]
    options: dict[str, str]
    config: Path | None
    folder: Path | None
    again: bool
    place: ArchivePlace
    outcomes: dict[int, _Outcome] = field(factory=dict)
    waiting: int = 0
    """Sessions that the archive has not taken in by now."""
    missing: set[str] = field(factory=set)
    """Identities of those that have been laid down, but are not in the archive."""
    caught: int = 0

    def job(self, path: Path, identity: str, details: dict[str, str]) -> ImportJob:
        """What another process is to do."""
        config, folder = (None if p is None else str(p.absolute()) for p in (self.config, self.folder))
        return ImportJob(str(path.absolute()), self.options, identity, details, config, folder)


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@archive_options
@file_options
@click.option("--again", is_flag=True, help="Import a file that is in the archive already once more.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    show_default="as many as there are cores",
    help="Files that are read at once, each by a process of its own.",
)
def command(
    files: tuple[Path, ...],
    path: Path | None,
    folder: Path | None,
    more: tuple[str, ...],
    again: bool,
    jobs: int,
    most: float,
    **named: str | None,
) -> None:
    """Put files into the archive of this machine as closed sessions. A FILE is a table of text with a column of times;
    `rta inspect FILE` says how it is read.

    The service that has the archive may be running: it takes the sessions in. A file becomes a session whole, or not at
    all; one that is there already is left out. Times are those of the file; one that does not say when it was recorded
    begins when it was last changed.
    """
    options = {name: value for name, value in named.items() if value is not None} | split_pairs(more)
    for name in _PLAYING:
        if name in options:
            raise click.BadParameter(f"{name} is for files that are played", param_hint="'-o'")
    work = _Import(files, options, path, folder, again, find_archive(path, folder))
    if work.place.offer.write_session is None:
        raise RtaError("this archive takes no files: import them on the machine that has it")
    error = trio.run(_main, work, jobs)
    _report(work)
    if work.caught:
        sys.exit(128 + work.caught)
    if error is not None:
        raise error
    failed = work.waiting or work.missing or any(o.error or o.share > most for o in work.outcomes.values())
    sys.exit(1 if failed else 0)


async def _main(work: _Import, jobs: int) -> RtaError | None:
    """Import all; the error that kept it from that, if there was one."""
    scope = trio.CancelScope()

    def stop(number: int) -> None:
        work.caught = number
        scope.cancel()

    error: RtaError | None = None
    try:
        async with guard_signals(stop):
            with scope:
                await _import_all(work, jobs)
    except* RtaError as group:
        error = first_error(group)
    return error


async def _import_all(work: _Import, jobs: int) -> None:
    progress = ImportProgress([path.stat().st_size if path.is_file() else 0 for path in work.files])
    limiter = trio.CapacityLimiter(jobs)
    known: dict[str, Path] = {}

    async def one(number: int, path: Path) -> None:
        async with limiter:
            work.outcomes[number] = await _import_file(work, number, path, progress, known)
        progress.shares[number] = 1.0
        progress.done += 1

    async with show_bar(lambda: progress.share, progress.text, sys.stderr.isatty()):
        async with trio.open_nursery() as nursery:
            for number, path in enumerate(work.files):
                nursery.start_soon(one, number, path)
        laid = {s["identity"]: Path(s["file"]) for o in work.outcomes.values() for s in o.sessions}
        if laid:
            await _taken_in(work, laid)


async def _import_file(
    work: _Import, number: int, path: Path, progress: ImportProgress, known: dict[str, Path]
) -> _Outcome:
    try:
        digest = await trio.to_thread.run_sync(file_digest, path)
    except OSError as e:
        return _Outcome(path, error=f"{path}: cannot be read: {e.strerror or e}")
    identity = str(uuid4()) if work.again else imported_identity(digest)
    if not work.again:
        if identity in known:
            return _Outcome(path, known=identity)
        known[identity] = path
        if await trio.to_thread.run_sync(_is_there, work.place, identity):
            return _Outcome(path, known=identity)
    job = work.job(path, identity, {"file": path.name, "digest": digest})
    said: dict[str, Any] = {}

    def hear(line: bytes) -> None:
        said.clear()
        said.update(json.loads(line))
        if "progress" in said:
            progress.shares[number], progress.samples[number] = said["progress"], said["samples"]

    await _run(python_command("rta.cli.import_job", job.write()), hear)
    if "sessions" in said:
        progress.samples[number] = sum(session["samples"] for session in said["sessions"])
        return _Outcome(path, said["sessions"], share=said["share"], summary=said["summary"])
    if "error" in said:
        reasons = f": {said['reasons']}" if said["reasons"] else ""
        return _Outcome(path, error=f"{said['error']}{reasons}")
    return _Outcome(path, error=f"{path}: the process that read it has ended")


async def _run(arguments: Sequence[str], hear: Callable[[bytes], None]) -> None:
    """Run a process to its end, and hear each line that it writes."""
    async with trio.open_nursery() as nursery:
        start = partial(trio.run_process, arguments, stdout=subprocess.PIPE, check=False)
        process: trio.Process = await nursery.start(start)
        assert process.stdout is not None
        rest = b""
        async for data in process.stdout:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                hear(line)


def _is_there(place: ArchivePlace, identity: str) -> bool:
    assert place.offer.stored is not None
    try:
        with place.offer.stored(place.options, place.context) as stored:
            return stored.find(identity) is not None
    except ArchiveError:  # there is no archive yet; what else is wrong is said when something is written
        return False


async def _taken_in(work: _Import, laid: Mapping[str, Path]) -> None:
    """Wait until the archive has the sessions; where no service has it, open it for that."""
    deadline = time.monotonic() + _TAKEN_IN
    while (left := [path for path in laid.values() if path.exists()]) and time.monotonic() < deadline:
        try:
            async with work.place.offer.open(work.place.options, work.place.context) as archive:
                while (await archive.upkeep(time.time_ns(), ArchiveLimits())).more:
                    pass
        except ArchiveError:  # a service has it
            await trio.sleep(_LOOK)
    work.waiting = len(left)
    for identity, path in laid.items():
        if path not in left and not await trio.to_thread.run_sync(_is_there, work.place, identity):
            work.missing.add(identity)


def _report(work: _Import) -> None:
    def say(text: str, *, err: bool = False) -> None:
        click.echo(printable(text), err=err)

    for number, path in enumerate(work.files):
        outcome = work.outcomes.get(number)
        if outcome is None:
            say(f"{path}: not imported", err=True)
        elif outcome.error:
            for line in outcome.error.splitlines():
                say(line, err=True)
        elif outcome.known:
            say(f"{path}: is there already, as session {outcome.known}; --again imports it once more")
        else:
            for session in outcome.sessions:
                identity = session["identity"]
                if identity in work.missing:
                    say(f"{path}: session {identity} is not in the archive: over its limits, or refused", err=True)
                else:
                    say(f"{path}: session {identity}, {counted(session['samples'], 'sample')}")
            for line in outcome.summary:
                say(line, err=True)
    if work.waiting:
        what = counted(work.waiting, "session")
        say(f"{what} laid down, but not taken in yet: the service that has the archive does it", err=True)
