"""What the tests of the command line share: processes that are surely ended, and a service to look at."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from program import Program, Start, starting

from rta.cli import main

LAP = """\
Time (s),Speed (km/h),Gear,Oil Temp (°C)
0.25,112.5,3,98
0.50,140,4,
0.75,171.25,5,98.5
1.00,nan,5,-0.125
"""

SITE = """\
[edge]
port = 0

[fanout]
linger = "200ms"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
identifier = "Long drive"
"""


class Finished(NamedTuple):
    """A command that has run."""

    status: int
    out: str
    err: str


@pytest.fixture
def start(tmp_path, environ) -> Iterator[Start]:
    """Start `rta` with these arguments and, as keywords, these environment variables."""
    with starting(tmp_path, environ) as started:
        yield started


@pytest.fixture
def run(start) -> Callable[..., Finished]:
    """Run `rta` to its end, as another process."""

    def run(*arguments: object, **environ: str) -> Finished:
        program = start(*arguments, **environ)
        return Finished(program.ends(), program.out, program.err)

    return run


@pytest.fixture
def command(monkeypatch, capsys) -> Callable[..., Finished]:
    """Run a command within this process, which is faster."""
    monkeypatch.setenv("COLUMNS", "120")
    for name in [n for n in os.environ if n.upper().startswith("RTA_")]:
        monkeypatch.delenv(name)

    def command(*arguments: object, **environ: str) -> Finished:
        monkeypatch.setattr(sys, "argv", ["rta", *map(str, arguments)])
        with monkeypatch.context() as m:
            for name, value in environ.items():
                m.setenv(name, value)
            with pytest.raises(SystemExit) as caught:
                main()
        code = caught.value.code
        assert isinstance(code, int)
        return Finished(code, *capsys.readouterr())

    return command


def write_site(folder: Path, text: str = SITE) -> Path:
    """A configuration, with the files that it may name beside it: a lap, and a drive that takes ten minutes."""
    (folder / "lap.csv").write_text(LAP, encoding="utf-8")
    drive = "".join(f"{i / 20:.2f},{i % 250},{i % 7}\n" for i in range(12_000))
    (folder / "drive.csv").write_text(f"Time (s),Speed (km/h),Gear\n{drive}", encoding="utf-8")
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def site(tmp_path) -> Callable[..., Path]:
    """Write a configuration; without a text, the long drive alone."""
    return lambda text=SITE: write_site(tmp_path, text)


@pytest.fixture(scope="session")
def service(tmp_path_factory, environ) -> Iterator[Program]:
    """A service that only is looked at: the long drive, and the lap, over by now, in each kind of data."""
    laps = [
        f"""
[[source]]
name = "{kind}"
transport = "csv"
path = "lap.csv"
origin = "file"
speed = 1000
kind = "{kind}"
interval = "250ms"
identity = "{kind}-1"
identifier = "A lap as {kind}"
types = {{ Gear = "u8", Speed = "f32" }}
"""
        for kind in ("timestamped", "periodic", "row")
    ]
    folder = tmp_path_factory.mktemp("service")
    with starting(folder, environ) as start:
        program = start("run", "--config", write_site(folder, SITE + "".join(laps)))
        for kind in ("timestamped", "periodic", "row"):
            program.logged("session closed", identity=f"{kind}-1")
        yield program
