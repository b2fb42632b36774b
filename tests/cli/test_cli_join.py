"""`rta tail --from start`, sample by sample, while the service is killed and comes back."""

from __future__ import annotations

import signal
import socket
from collections import Counter
from pathlib import Path

import pytest
from program import Program

pytestmark = pytest.mark.processes

SITE = """\
[site]
state_dir = "{state}"

[edge]
host = "127.0.0.1"
port = {port}

[fanout]
linger = "300ms"

[buffer]
{buffer}

[archive]
transport = "sqlite"

[[source]]
name = "drive"
transport = "csv"
path = "drive.csv"
identity = "drive-1"
"""

ROWS = 500
Sample = tuple[str, int, float]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [f"{i * 0.02:.2f},{100 + i / 8},{i % 6}" for i in range(ROWS)]
    (tmp_path / "drive.csv").write_text("\n".join(["Time (s),Speed (km/h),Gear", *rows, ""]))
    return tmp_path


def samples(program: Program) -> Counter[Sample]:
    return Counter((line["parameter"], line["t"], line["value"]) for line in program.lines if "parameter" in line)


def test_every_sample_comes_once_though_the_service_is_killed(start, folder: Path) -> None:
    port = free_port()
    site = folder / "site.toml"
    site.write_text(SITE.format(state=folder / "state", port=port, buffer='transport = "memory"'))
    tail = ["tail", "--url", f"http://127.0.0.1:{port}", "--json", "--from", "start", "drive-1"]
    service = start("run", "--config", site)
    service.logged("session opened")
    following = start(*tail)
    seen = 0
    for _ in range(2):
        following.until(lambda: len(samples(following)) > seen + 100, "samples of a run")  # noqa: B023
        service.signal(signal.SIGKILL)
        service.ends()
        seen = len(samples(following))
        service = start("run", "--config", site)
    assert following.ends() == 0, following.err
    reading = start(*tail)
    assert reading.ends() == 0, reading.err
    came, recorded = samples(following), samples(reading)
    assert max(came.values()) == max(recorded.values()) == 1
    assert not recorded - came
    # What came in the last moment before a kill may not have been recorded: a tenth of a second, of 50 rows a second.
    assert sum((came - recorded).values()) < 2 * 2 * 50
    assert len(recorded) > 2 * ROWS
