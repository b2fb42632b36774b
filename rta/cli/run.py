"""`rta run`: runs the service in the foreground, until a signal."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import click
import structlog
import trio

from rta.actors.gc_tuning import keep_collections_short
from rta.config import Config, check_config, load_config
from rta.errors import ConfigError, RtaError, first_error
from rta.logs import set_up_logging
from rta.ports import load_transport
from rta.python_command import python_command
from rta.signals import exit_at_once, guard_signals
from rta.site import Site
from rta.workers import Membership, Supervisor, hold_port

__all__ = ["command"]

log = structlog.get_logger("rta.site")


@click.command("run")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file. Default: the built-in demo."
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes that serve clients. Default: what the file says."
)
def command(path: Path | None, workers: int | None) -> None:
    """Run the service until SIGINT or SIGTERM. A second signal ends it at once."""
    config = load_config(path, os.environ)
    config.site.workers = workers or config.site.workers
    membership = Membership.from_environment(os.environ)
    if membership is not None:
        structlog.contextvars.bind_contextvars(worker=membership.index)
    site = Site(config, membership=membership)
    problems = check_config(config, site.context)
    if problems:
        raise ConfigError(problems)
    set_up_logging(config.logging.level, config.logging.format)
    if membership is None or membership.primary:
        for warning in config.warnings:
            log.warning(warning)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # every connection is a descriptor
    if membership is None and config.site.workers > 1:
        sys.exit(_supervise(config, path))
    error = trio.run(_main, site, membership)
    if error is not None:
        raise error
    sys.exit(0)


def _supervise(config: Config, path: Path | None) -> int:
    edge = load_transport(config.edge.transport).edge
    assert edge is not None, "the configuration was not checked"
    assert edge.address is not None, "the configuration was not checked"
    command = python_command("rta", "run", *(["--config", str(path)] if path is not None else []))
    with hold_port(*edge.address(config.edge.options)) as port:
        workers = config.site.workers
        supervisor = Supervisor(command, workers, port, config.site.grace, os.environ)
        return trio.run(supervisor.run)


class _Started:
    """Becomes set when the site serves."""

    def __init__(self) -> None:
        self.event = trio.Event()

    def started(self, value: str | None = None) -> None:
        self.event.set()


async def _main(site: Site, membership: Membership | None) -> RtaError | None:
    """Run the service; the error that kept it from running, if it is one that a person can mend."""
    expected: RtaError | None = None
    started = _Started()

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
            nursery.start_soon(keep_collections_short, lambda: site.clients)
            await site.run(task_status=started)
            nursery.cancel_scope.cancel()
    except* RtaError as group:
        expected = first_error(group)
    return expected
