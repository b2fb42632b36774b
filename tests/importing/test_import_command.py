"""`rta import`: with and without a service that has the archive; and what it puts there comes out as it was."""

from __future__ import annotations

import csv
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from click.testing import CliRunner

from rta.cli import importing
from rta.cli.archive_place import find_archive
from rta.cli.import_job import ImportJob
from rta.ports import ArchiveLimits, UpkeepReport

pytestmark = pytest.mark.processes

PATIENCE = 120.0
T0 = 1_700_000_000_000_000_000


def rta(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rta", *map(str, arguments), "--folder", str(folder)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def listed(folder: Path) -> list[dict]:
    return [json.loads(line) for line in rta("archive", "list", "--json", folder=folder).stdout.splitlines()]


def table(path: Path, seed: int = 1, rows: int = 500) -> Path:
    values = np.random.default_rng(seed).normal(size=(rows, 3)) * 10.0 ** np.arange(-8, 22, 10)
    times = [f"2023-11-14T22:13:{20 + i // 100:02}.{i % 100:02}0000123Z" for i in range(rows)]
    lines = ["time,Speed (km/h),Oil Temp (°C),Sparse"]
    lines += [
        f"{time},{a!r},{b!r},{repr(c) if i % 3 == 0 else ''}"
        for i, (time, (a, b, c)) in enumerate(zip(times, values.tolist(), strict=True))
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def cells(text: str) -> list[list[object]]:
    head, *rows = csv.reader(text.splitlines())
    return [head, *([row[0], *(struct.pack("<d", float(c)) if c else "" for c in row[1:])] for row in rows)]


def test_files_become_sessions_without_a_service_and_come_out_as_they_were(tmp_path: Path):
    folder = tmp_path / "archive"
    one, other = table(tmp_path / "one.csv", 1), table(tmp_path / "other.csv", 2)
    done = rta("import", one, other, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(": session ")[0] for line in done.stdout.splitlines()] == [str(one), str(other)]
    assert {s["identifier"]: s["state"] for s in listed(folder)} == {"one": "closed", "other": "closed"}
    exported = rta("export", "one", folder=folder)
    assert exported.returncode == 0, exported.stderr
    assert cells(exported.stdout) == cells(one.read_text(encoding="utf-8"))

    again = tmp_path / "again.csv"  # what we have written is read as what it was, byte for byte
    again.write_text(exported.stdout, encoding="utf-8")
    assert rta("import", again, "--again", folder=folder).returncode == 0
    assert rta("export", "again", folder=folder).stdout == exported.stdout


def test_a_file_that_is_there_is_left_out_unless_it_is_wanted_again(tmp_path: Path):
    folder, path = tmp_path / "archive", table(tmp_path / "one.csv")
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    (first,) = rta("import", path, folder=folder).stdout.splitlines()
    identity = first.split(" session ")[1].split(",")[0]
    known = rta("import", path, copy, folder=folder)
    assert known.returncode == 0
    assert [line.count(f"is there already, as session {identity}") for line in known.stdout.splitlines()] == [1, 1]
    assert len(listed(folder)) == 1
    assert rta("import", path, "--again", folder=folder).returncode == 0
    assert len(listed(folder)) == 2


def test_what_fails_leaves_the_others_and_nothing_of_itself(tmp_path: Path):
    folder, path = tmp_path / "archive", table(tmp_path / "one.csv")
    (tmp_path / "text.csv").write_text("no table\nat all\n")
    done = rta("import", tmp_path / "text.csv", path, tmp_path / "gone.csv", folder=folder)
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    text, gone = done.stderr.splitlines()
    assert text.startswith(f"{tmp_path / 'text.csv'}: ")
    assert gone == f"{tmp_path / 'gone.csv'}: cannot be read: No such file or directory"
    assert [s["identifier"] for s in listed(folder)] == ["one"]
    assert list((folder / "incoming").iterdir()) == []


def test_what_was_left_out_of_a_file_is_told(tmp_path: Path):
    folder, path = tmp_path / "archive", table(tmp_path / "one.csv")
    path.write_text(path.read_text().replace("\n", "\n2023-11-14T22:13:20Z,x,1,2\n", 1))
    done = rta("import", path, folder=folder)
    assert done.returncode == 0
    assert done.stderr.startswith("left out: 1 of ")
    assert "'x' is not a number" in done.stderr
    assert rta("import", path, "--again", "--max-faults", "0", folder=folder).returncode == 1


def test_a_file_that_says_nothing_of_its_time_began_when_it_was_last_changed(tmp_path: Path):
    folder, path = tmp_path / "archive", tmp_path / "lap.csv"
    path.write_text("time (s),Speed\n" + "".join(f"{i / 10},{i}\n" for i in range(20)))
    os.utime(path, ns=(T0, T0))
    assert rta("import", path, folder=folder).returncode == 0
    exported = rta("export", "lap", folder=folder).stdout.splitlines()
    assert exported[1] == "2023-11-14T22:13:20.000000000Z,0"


def test_the_service_that_has_the_archive_takes_the_sessions_in(tmp_path: Path):
    folder, path = tmp_path / "archive", table(tmp_path / "one.csv")
    config = tmp_path / "site.toml"
    config.write_text(
        f'[buffer]\ntransport = "memory"\n[edge]\nport = 0\n[archive]\npath = "{folder}"\n[logging]\nformat = "json"\n'
    )
    with subprocess.Popen(
        [sys.executable, "-m", "rta", "run", "--config", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as service:
        try:
            assert service.stderr is not None
            for line in service.stderr:
                if b'"ready"' in line or b"ready" in line:
                    break
            done = rta("import", path, folder=folder)
            assert (done.returncode, done.stderr) == (0, "")
            assert service.poll() is None
            assert [s["identifier"] for s in listed(folder)] == ["one"]
        finally:
            service.send_signal(signal.SIGTERM)
            service.communicate(timeout=PATIENCE)


def test_a_signal_leaves_nothing_of_what_is_not_whole(tmp_path: Path):
    folder, path = tmp_path / "archive", tmp_path / "long.csv"
    path.write_text("time (s),Speed\n" + "".join(f"{i / 100},{i % 7}.5\n" for i in range(300_000)))
    job = ImportJob(str(path), {}, "long", {}, None, str(folder))
    arguments = [sys.executable, "-m", "rta.cli.import_job", job.write()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert "progress" in json.loads(program.stdout.readline())
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=PATIENCE)
    assert program.returncode == 128 + signal.SIGTERM
    assert not (folder / "incoming").exists() or list((folder / "incoming").iterdir()) == []


def test_what_the_archive_has_not_taken_in_in_the_end_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, path = tmp_path / "archive", table(tmp_path / "one.csv")

    class Refusing:
        async def upkeep(self, now: int, keep: ArchiveLimits) -> UpkeepReport:
            for laid in (folder / "incoming").glob("*.sqlite"):
                laid.rename(laid.with_suffix(".damaged"))
            return UpkeepReport()

    @asynccontextmanager
    async def refusing(options: object, context: object) -> AsyncIterator[Refusing]:
        yield Refusing()

    place = find_archive(None, folder)
    monkeypatch.setattr(importing, "find_archive", lambda *_: evolve(place, offer=evolve(place.offer, open=refusing)))
    done = CliRunner().invoke(importing.command, [str(path), "--folder", str(folder)])
    assert done.exit_code == 1, done.output
    assert "is not in the archive: over its limits, or refused" in done.stderr
    assert done.stdout == ""
