"""`rta export` as a process, against a service that records."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import trio
from rest.recorded import RecordedSite
from transports.websocket.served_edge import serving

from rta.export import ArchivedData, ExportRequest, open_export
from rta.testing.patience import until
from rta.wire import json_item, make_burst
from rta.wire.session_json import TimeRangeModel

from .recorded import CONFIGURATION, T0, record, session_json
from .test_csv_export import PlainArchive, row, some_drive, speed
from .test_rest_export import TornArchive

pytestmark = pytest.mark.processes

PATIENCE = 120.0


class GatedArchive(PlainArchive):
    """Reads behind `gate` (ns since the Unix epoch) wait until it is open."""

    gate: int | None = None
    waiting = False

    @asynccontextmanager
    async def read(self, identity, wanted) -> AsyncIterator[object]:
        while self.gate is not None and wanted.start is not None and wanted.start > self.gate:
            self.waiting = True
            await trio.sleep(0.01)
        async with super().read(identity, wanted) as reader:
            yield reader


@asynccontextmanager
async def served(archive: PlainArchive) -> AsyncIterator[str]:
    site = RecordedSite(archive)
    opened = await site.buffer.open_session("drive", "live")
    await site.buffer.append(opened, make_burst([json_item(session_json(span=TimeRangeModel(T0, T0 + 20 * 10**9)))]))
    await site.buffer.publish(CONFIGURATION.identifier(), CONFIGURATION.write())
    async with serving(site.app()) as edge:
        yield f"http://127.0.0.1:{edge.port}"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "rta", "export", *map(str, arguments)]


async def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    with trio.fail_after(PATIENCE):
        return await trio.run_process(command(*arguments), capture_stdout=True, capture_stderr=True, check=False)


async def started(arguments: list[str], task_status: trio.TaskStatus[trio.Process]) -> None:
    await trio.run_process(arguments, capture_stderr=True, check=False, task_status=task_status)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def csv_of(archive: PlainArchive, **request) -> bytes:
    export = await open_export(ArchivedData(archive), ExportRequest("drive", **request))
    return b"".join([piece.data async for piece in export.pieces()])


async def test_it_writes_a_file_or_standard_output(tmp_path: Path):
    archive = await some_drive()
    async with served(archive) as url:
        done = await run("drive", "--url", url)
        assert (done.returncode, done.stdout) == (0, await csv_of(archive))
        path = tmp_path / "first.csv"
        done = await run("drive", "--url", url, "-p", "Speed", "--to", "2023-11-14T22:13:21Z", "-o", path)
        assert done.returncode == 0
        assert path.read_bytes() == await csv_of(archive, parameters=("Speed",), end=T0 + 10**9 - 1)
        assert done.stderr.decode() == f"{path}: 2 samples, 1 columns, 0.00 MB\n"


async def test_an_export_of_which_something_is_left_out_is_there_but_no_success(tmp_path: Path):
    archive = TornArchive()
    await record(archive, [[speed([T0], [1.5])]])
    async with served(archive) as url:
        done = await run("drive", "--url", url, "-o", tmp_path / "drive.csv")
        assert done.returncode == 1
        assert done.stderr.startswith(b"left out: chunks that are damaged")
        assert (tmp_path / "drive.csv").read_text().endswith("Z,1.5\n")


async def test_that_nothing_is_in_the_range_is_said():
    async with served(await some_drive()) as url:
        done = await run("drive", "--url", url, "--from", "1h")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"time\n", b"there is nothing in this range\n")


async def test_the_name_of_the_file_says_the_format(tmp_path: Path):
    async with served(await some_drive()) as url:
        for name, magic in (("a.parquet", b"PAR1"), ("a.arrow", b"\xff\xff\xff\xff"), ("a.mcap", b"\x89MCAP0")):
            done = await run("--url", url, "-o", tmp_path / name)
            assert done.returncode == 0, done.stderr
            assert (tmp_path / name).read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p", "Sped"], b'rta: no parameter "Sped"; there are: '),
        (["--from", "2023-11-14T22:13:21Z", "--to", "2023-11-14T22:13:21Z"], b"rta: --from must be before --to"),
        (["-o", "/nowhere/x.csv"], b"rta: /nowhere/x.csv: cannot be written: No such file or directory"),
    ],
)
async def test_what_is_wrong_is_said_in_a_line(arguments: list[str], said: bytes):
    async with served(await some_drive()) as url:
        done = await run("drive", "--url", url, *arguments)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(said)
        assert done.stderr.count(b"\n") == 1


async def gated_drive() -> GatedArchive:
    """Of 20 s: the first slice of an export fills several batches of CSV."""
    archive = GatedArchive()
    times = T0 + np.arange(40_000) * 500_000
    values = np.random.default_rng(6).normal(size=len(times))
    bursts = [[speed(times[i : i + 1000], values[i : i + 1000])] for i in range(0, len(times), 1000)]
    bursts[0] += [row(T0 + i * 10**9, i % 2, i) for i in range(20)]
    await record(archive, bursts)
    return archive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_an_interrupted_export_goes_on_and_is_the_same_in_the_end(number: signal.Signals, tmp_path: Path):
    archive = await gated_drive()
    path = tmp_path / "drive.csv"
    archive.gate = T0 + 10**9
    async with served(archive) as url, trio.open_nursery() as nursery:
        arguments = command("drive", "--url", url, "-p", "Speed", "-p", "Gear", "-o", path)
        process = await nursery.start(started, arguments)
        await until(lambda: archive.waiting, PATIENCE, "the second slice")
        process.send_signal(number)
        with trio.fail_after(PATIENCE):
            status = await process.wait()
        assert status == (-9 if number is signal.SIGKILL else 128 + number)
        assert not path.exists()
        written = (tmp_path / "drive.csv.part").stat().st_size
        archive.gate = None
        done = await run("drive", "--url", url, "-p", "Speed", "-p", "Gear", "-o", path)
        assert done.returncode == 0, done.stderr
        assert b" behind the " in done.stderr or number is signal.SIGKILL
        assert written > 100_000
        assert path.read_bytes() == await csv_of(archive, parameters=("Speed", "Gear"))
        assert names(tmp_path) == ["drive.csv"]


async def test_an_interrupted_parquet_file_leaves_nothing(tmp_path: Path):
    archive = await gated_drive()
    archive.gate = T0 + 10**9
    async with served(archive) as url, trio.open_nursery() as nursery:
        arguments = command("drive", "--url", url, "-o", tmp_path / "drive.parquet", "-p", "Speed")
        process = await nursery.start(started, arguments)
        await until(lambda: archive.waiting, PATIENCE, "the second slice")
        process.send_signal(signal.SIGINT)
        with trio.fail_after(PATIENCE):
            assert await process.wait() == 130
        assert names(tmp_path) == []
