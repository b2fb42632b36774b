"""The command line."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from scripts.bench.archive_cli import COMMANDS as ARCHIVE_COMMANDS
from scripts.bench.fanout import compare
from scripts.bench.flat_out import Form
from scripts.bench.history_cli import COMMANDS as HISTORY_COMMANDS
from scripts.bench.latency import latency
from scripts.bench.options import OUT, clients_option, runs_option, seconds_option, shapes_option, shared
from scripts.bench.paced import Load
from scripts.bench.processes import BenchError
from scripts.bench.redis_cli import COMMANDS as REDIS_COMMANDS
from scripts.bench.report import Results
from scripts.bench.selective import selective
from scripts.bench.sign_in import sign_in
from scripts.bench.stall import stall
from scripts.bench.starting import starting
from scripts.bench.streams_cli import COMMANDS as STREAMS_COMMANDS
from scripts.bench.tls import measure_tls

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Measure the service against a bare socket loop, and against its peers.

    All figures worth having are ratios within one run."""


@cli.command("fanout")
@shapes_option
@clients_option
@runs_option
@seconds_option
@click.option("--forms", help="Of follow, ingest and flood.  [follow,ingest]")
@shared
def _fanout(
    results: Results,
    folder: Path,
    quick: bool,
    shapes: list[str],
    clients: list[int] | None,
    runs: int | None,
    seconds: float | None,
    forms: str | None,
) -> None:
    """One session to clients that follow it and want everything; every frame one burst."""
    chosen = [Form(f) for f in (forms or ("follow" if quick else "follow,ingest")).split(",")]
    clients = clients or ([10, 100] if quick else [10, 100, 1000])
    runs, seconds = runs or (1 if quick else 3), seconds or (0.5 if quick else 2.0)
    compare(results, folder, "fanout", chosen, shapes, clients, runs, seconds)


@cli.command("behind")
@shapes_option
@clients_option
@runs_option
@seconds_option
@shared
def _behind(
    results: Results,
    folder: Path,
    quick: bool,
    shapes: list[str],
    clients: list[int] | None,
    runs: int | None,
    seconds: float | None,
) -> None:
    """One session to clients that come when the log is full: back-fill, merged."""
    clients = clients or ([100] if quick else [10, 100, 1000])
    runs, seconds = runs or (1 if quick else 3), seconds or (0.4 if quick else 1.5)
    compare(results, folder, "behind", [Form.BACK_FILL], shapes, clients, runs, seconds)


@cli.command("select")
@click.option("--clients", default=100, help="How many.")
@runs_option
@seconds_option
@shared
def _select(results: Results, folder: Path, quick: bool, clients: int, runs: int | None, seconds: float | None) -> None:
    """Clients that want 10 of 500 channels: one, many equal ones, and as many different ones."""
    selective(results, folder, clients, runs or (1 if quick else 5), seconds or (0.7 if quick else 2.0))


@cli.command("stall")
@click.option("--clients", type=int, help="How many, the deaf tenth included.  [1000]")
@click.option("--rate", type=float, help="Bursts per second.  [40]")
@runs_option
@seconds_option
@shared
def _stall(
    results: Results,
    folder: Path,
    quick: bool,
    clients: int | None,
    rate: float | None,
    runs: int | None,
    seconds: float | None,
) -> None:
    """Whether clients that read nothing are noticed by the others, and what memory they take."""
    # A deaf client's socket takes some 4 MB before it is full.
    clients, rate = clients or (200 if quick else 1000), rate or (100.0 if quick else 40.0)
    stall(results, folder, clients, rate, runs or (1 if quick else 5), seconds or (10.0 if quick else 60.0))


@cli.command("latency")
@click.option("--load", default="100x10x10", help="Sessions x clients x bursts per second.")
@click.option("--shape", default="A", help="A, B or C.")
@runs_option
@seconds_option
@shared
def _latency(
    results: Results,
    folder: Path,
    quick: bool,
    load: str,
    shape: str,
    runs: int | None,
    seconds: float | None,
) -> None:
    """How late bursts come at a moderate load."""
    sessions, clients, rate = (int(n) for n in load.split("x"))
    made = Load(shape, sessions, clients, float(rate), seconds or (4.0 if quick else 30.0))
    latency(results, folder, made, runs or (1 if quick else 3))


@cli.command("start")
@runs_option
@shared
def _start(results: Results, folder: Path, quick: bool, runs: int | None) -> None:
    """How long it takes from the start of the process to a client's first data."""
    starting(results, folder, runs or (2 if quick else 9))


@cli.command("tls")
@click.option("--clients", default=100, help="How many.")
@runs_option
@shared
def _tls(results: Results, folder: Path, quick: bool, clients: int, runs: int | None) -> None:
    """What TLS costs: connections, fan-out, large answers, each with and without it."""
    frames, handshakes = (20, 50) if quick else (200, 500)
    measure_tls(results, folder, clients, frames, handshakes, runs or (1 if quick else 3))


@cli.command("sign-in")
@click.option("--rate", default=500.0, show_default=True, help="Requests a second.")
@runs_option
@seconds_option
@shared
def _sign_in(results: Results, folder: Path, quick: bool, rate: float, runs: int | None, seconds: float | None) -> None:
    """What a request costs without a token, with a known one, new ones and wrong ones. It needs redis-server."""
    sign_in(results, folder, rate, seconds or (1.0 if quick else 3.0), runs or (1 if quick else 5))


@cli.command("page")
@click.option("--history", type=float, help="Seconds recorded before it is opened.  [3600]")
@click.option("--minutes", default=0.0, show_default=True, help="How long its memory is watched.")
@runs_option
@seconds_option
@shared
def _page(
    results: Results,
    folder: Path,
    quick: bool,
    history: float | None,
    minutes: float,
    runs: int | None,
    seconds: float | None,
) -> None:
    """The page in a headless browser: opening, frames, memory, and what it costs the service.

    It needs redis-server and chromium."""
    from scripts.bench.page import Scale, measure_page  # Playwright is not wanted otherwise

    history = history or (120.0 if quick else 3600.0)
    runs, seconds = runs or (1 if quick else 3), seconds or (5.0 if quick else 60.0)
    measure_page(results, folder, Scale(history, 2 if quick else 10, seconds, runs, minutes))


for _command in (*REDIS_COMMANDS, *STREAMS_COMMANDS, *HISTORY_COMMANDS, *ARCHIVE_COMMANDS):
    cli.add_command(_command)


@cli.command("all")
@click.option("--quick", is_flag=True, help="Short and single runs: whether it works, not what it is worth.")
@click.option("--out", type=click.Path(path_type=Path), default=OUT, help="JSON lines are appended here.")
def _all(quick: bool, out: Path) -> None:
    """Everything, one after the other: about 90 minutes, with --quick under 10."""
    arguments = ["--out", str(out), *(["--quick"] if quick else [])]
    own = (_start, _latency, _select, _fanout, _behind, _stall, _tls, _sign_in, _page)
    for command in (*own, *REDIS_COMMANDS, *STREAMS_COMMANDS, *HISTORY_COMMANDS, *ARCHIVE_COMMANDS):
        with _timed(command.name or ""):
            command.main(arguments, standalone_mode=False)


@contextmanager
def _timed(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    click.echo(f"{name}: {time.monotonic() - began:.0f} s\n")


def main() -> None:
    """Measurements that fail are one message, and a status. Whatever ends us, the children are stopped."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        cli(prog_name="python -m scripts.bench")
    except BenchError as e:
        click.echo(f"bench: {e}", err=True)
        sys.exit(1)
