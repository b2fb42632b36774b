"""The commands that measure the service with Redis."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.bench.from_redis import from_redis
from scripts.bench.options import clients_option, runs_option, seconds_option, shapes_option, shared
from scripts.bench.paced import Load
from scripts.bench.peering import NODE_FOLDER, SINGLE_PEERS
from scripts.bench.redis_idle import redis_idle
from scripts.bench.redis_latency import redis_latency
from scripts.bench.redis_workers import redis_workers
from scripts.bench.report import Results

__all__ = ["COMMANDS"]


def _peers(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    chosen = list(SINGLE_PEERS) if value is None else [p for p in value.split(",") if p]
    for name in chosen:
        if name not in SINGLE_PEERS:
            raise click.BadParameter(f"{name} is none of {', '.join(SINGLE_PEERS)}")
    return chosen


_peers_option = click.option("--peers", callback=_peers, help="Which.  [" + ",".join(SINGLE_PEERS) + "]")
_node_option = click.option(
    "--node",
    "node_folder",
    type=click.Path(path_type=Path),
    default=NODE_FOLDER,
    show_default=True,
    help="The folder that ws and ioredis were installed into.",
)


@click.command("redis")
@shapes_option
@clients_option
@runs_option
@seconds_option
@_peers_option
@_node_option
@shared
def _redis(
    results: Results,
    folder: Path,
    quick: bool,
    shapes: list[str],
    clients: list[int] | None,
    runs: int | None,
    seconds: float | None,
    peers: list[str],
    node_folder: Path,
) -> None:
    """One stream in Redis to clients that want everything, against other programs that do so.

    The stream is filled beforehand and handed over when all clients have subscribed. `rta` is the service kept from
    outrunning its clients, so that every frame is one burst, as the peers send them; `rta merged` is the service as
    it is, which merges for clients that are behind, `rta merge_delay` the one that merges for all of them; beside
    them stands the raw peer that puts all of a reply into one send.

    redis-server is needed. Peers whose packages are missing are left out. To have all of them:

    \b
        pip install websockets uvloop picows
        npm install --prefix scripts/bench/bin/node ws ioredis
    """
    clients = clients or ([10, 100] if quick else [10, 100, 1000])
    runs, seconds = runs or (1 if quick else 3), seconds or (0.4 if quick else 2.0)
    from_redis(results, folder, shapes, clients, runs, seconds, peers, node_folder)


@click.command("redis-latency")
@click.option("--load", default="100x10x10", show_default=True, help="Sessions x clients x bursts per second.")
@click.option("--shape", default="A", help="A, B or C.")
@runs_option
@seconds_option
@_peers_option
@_node_option
@shared
def _latency(
    results: Results,
    folder: Path,
    quick: bool,
    load: str,
    shape: str,
    runs: int | None,
    seconds: float | None,
    peers: list[str],
    node_folder: Path,
) -> None:
    """How late bursts come from the XADD to the client, beside other programs; the help of `redis` says how to have
    all of them."""
    sessions, clients, rate = (int(n) for n in load.split("x"))
    made = Load(shape, sessions, clients, float(rate), seconds or (5.0 if quick else 60.0))
    redis_latency(results, folder, made, runs or (1 if quick else 5), peers, node_folder)


@click.command("redis-idle")
@click.option("--sessions", default=10_000, show_default=True, help="Hashes in Redis.")
@click.option("--streams", default=1000, show_default=True, help="Streams in Redis.")
@runs_option
@seconds_option
@shared
def _idle(
    results: Results,
    folder: Path,
    quick: bool,
    sessions: int,
    streams: int,
    runs: int | None,
    seconds: float | None,
) -> None:
    """What an edge without clients costs when there is much in Redis; the pruner comes every 30 seconds."""
    redis_idle(results, folder, sessions, streams, seconds or (31.0 if quick else 60.0), runs or 1)


@click.command("redis-workers")
@click.option("--shapes", default="A,C", callback=lambda _, __, value: value.split(","), help="Of A, B and C.")
@clients_option
@runs_option
@seconds_option
@shared
def _workers(
    results: Results,
    folder: Path,
    quick: bool,
    shapes: list[str],
    clients: list[int] | None,
    runs: int | None,
    seconds: float | None,
) -> None:
    """`rta run --workers 2` beside one worker, and what the others take of the cores."""
    clients = clients or ([100] if quick else [100, 1000])
    runs, seconds = runs or (1 if quick else 3), seconds or (0.4 if quick else 2.0)
    redis_workers(results, folder, shapes, clients, runs, seconds)


COMMANDS = (_redis, _latency, _idle, _workers)
