"""`rta run`: runs the service in the foreground, until a signal."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import structlog
import trio
from attrs import frozen

from rta.actors.gc_tuning import keep_collections_short
from rta.cli.interrupts import interrupts_end_at_once
from rta.cli.played_files import play_files
from rta.cli.service_options import DEFAULT_URL
from rta.config import Config, check_config, default_config_path, load_config
from rta.errors import ConfigError, RtaError, first_error
from rta.logs import set_up_logging
from rta.ports import load_transport
from rta.python_command import python_command
from rta.signals import exit_at_once, guard_signals
from rta.site import Site
from rta.workers import Membership, Supervisor, hold_port

__all__ = ["command"]

log = structlog.get_logger("rta.site")

_DESCRIPTORS = 10_240  # where the system names no limit

_PORT = "RTA_EDGE__PORT"


@frozen
class _Request:
    """What to run."""

    path: Path | None
    files: tuple[Path, ...]
    speed: float
    loop: bool
    port: int | None
    workers: int | None

    def config(self, environ: Mapping[str, str]) -> Config:
        """
        :raises ConfigError: with every problem there is.
        """
        if self.port is not None:
            others = {name: value for name, value in environ.items() if name.upper() != _PORT}
            environ = others | {_PORT: str(self.port)}
        if self.files:
            config = play_files(self.files, self.speed, self.loop, environ)
        else:
            config = load_config(self.path, environ)
        config.site.workers = self.workers or config.site.workers
        return config

    def arguments(self) -> list[str]:
        """The arguments of a worker, which is told the port by its supervisor."""
        if self.files:
            return ["--speed", repr(self.speed), *["--loop"][: self.loop], "--", *map(str, self.files)]
        return ["--config", str(self.path)] if self.path is not None else []


@click.command("run")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
)
@click.option("--port", type=click.IntRange(0, 65535), help="The port to serve on; 0: a free one. Default: 8180.")
@click.option("--speed", type=click.FloatRange(min=0), help="Play FILEs so many times as fast; 0: at once. Default: 1.")
@click.option("--loop", is_flag=True, help="Play each FILE again and again, each time as a new session.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes that serve clients. Default: what the file says."
)
def command(
    files: tuple[Path, ...],
    path: Path | None,
    port: int | None,
    speed: float | None,
    loop: bool,
    workers: int | None,
) -> None:
    """Run the service until SIGINT or SIGTERM. A second signal ends it at once.

    FILEs are recordings (CSV), which are played as if they were live, without a configuration. When they have ended the
    service goes on.
    """
    _check_usage(files, path, speed is not None or loop)
    with interrupts_end_at_once():
        sys.exit(_run(_Request(path, files, 1.0 if speed is None else speed, loop, port, workers)))


def _check_usage(files: tuple[Path, ...], path: Path | None, playing: bool) -> None:
    """
    :raises UsageError: the arguments do not go together.
    """
    for file in files:
        if file.suffix.lower() == ".toml":
            raise click.UsageError(f"{file} is a configuration, not a recording: rta run --config {file}")
    if files and path is not None:
        raise click.UsageError("either FILEs, or --config with a file that names them as its sources")
    if playing and not files:
        raise click.UsageError("--speed and --loop are for FILEs; a configuration has speed and loop for each source")


def _run(request: _Request) -> int:
    """The exit status."""
    config = request.config(os.environ)
    membership = Membership.from_environment(os.environ)
    if membership is not None:
        structlog.contextvars.bind_contextvars(worker=membership.index)
    site = Site(config, membership=membership)
    built_in = config.path == default_config_path()
    problems = check_config(config, site.context, with_archive=not built_in)  # that runs wherever it is installed
    if problems:
        raise ConfigError(problems)
    set_up_logging(config.logging.level, config.logging.format)
    if membership is None:
        for warning in config.warnings:
            log.warning(warning)
        if built_in:
            log.info("this is the built-in demo; `rta run FILE` plays a file of yours")
    _raise_descriptor_limit()
    if membership is None and config.site.workers > 1:
        return _supervise(config, request)
    started = _Started(bool(request.files) and (membership is None or membership.primary))
    error = trio.run(_main, site, membership, started)
    if error is not None:
        raise error
    return 0


def _raise_descriptor_limit() -> None:
    """Every connection is a descriptor. macOS says that there is no limit, and refuses to do without one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = _DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    except (ValueError, OSError) as e:
        log.warning("the limit of open files stays as it is", wanted=soft, error=str(e))


def _supervise(config: Config, request: _Request) -> int:
    edge = load_transport(config.edge.transport).edge
    assert edge is not None, "the configuration was not checked"
    assert edge.address is not None, "the configuration was not checked"
    command = python_command("rta", "run", *request.arguments())
    with hold_port(*edge.address(config.edge.options)) as port:
        workers = config.site.workers
        supervisor = Supervisor(command, workers, port, config.site.grace, os.environ)
        return trio.run(supervisor.run)


class _Started:
    """Becomes set when the site serves."""

    def __init__(self, plays_files: bool) -> None:
        self.event = trio.Event()
        self._plays_files = plays_files

    def started(self, value: str | None = None) -> None:
        self.event.set()
        if self._plays_files:
            follow = "rta tail" if value == DEFAULT_URL else f"rta tail --url {value}"
            log.info(f"playing at {value}/; `{follow}` follows it")


async def _main(site: Site, membership: Membership | None, started: _Started) -> RtaError | None:
    """Run the service; the error that kept it from running, if it is one that a person can mend."""
    expected: RtaError | None = None

    def stop(number: int) -> None:
        if not site.stopping:
            log.info("signal", name=signal.Signals(number).name)
            site.stop()

    # Who signals every process signals the supervisor too, which passes it on: a worker hears of its end twice.
    at_once = exit_at_once if membership is None else stop
    try:
        async with guard_signals(stop, at_once), trio.open_nursery() as nursery:
            if membership is not None:
                nursery.start_soon(membership.attend, started.event, site.stop)
            nursery.start_soon(keep_collections_short)
            await site.run(task_status=started)
            nursery.cancel_scope.cancel()
    except* RtaError as group:
        expected = first_error(group)
    return expected
