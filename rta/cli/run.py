"""`rta run`: the service in the foreground, until a signal."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

import click
import structlog
import trio

from rta.config import check_config, load_config
from rta.errors import ConfigError, RtaError, first_error
from rta.logs import set_up_logging
from rta.site import Site

__all__ = ["command"]

log = structlog.get_logger("rta.site")


@click.command("run")
@click.option(
    "--config", "path", type=click.Path(path_type=Path), help="The site's TOML file; without one, the built-in demo."
)
def command(path: Path | None) -> None:
    """Run the service until SIGINT or SIGTERM; a second one ends it at once."""
    config = load_config(path, os.environ)
    site = Site(config)
    problems = check_config(config, site.context)
    if problems:
        raise ConfigError(problems)
    set_up_logging(config.logging.level, config.logging.format)
    for warning in config.warnings:
        log.warning(warning)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # every connection is a descriptor
    error = trio.run(_main, site)
    if error is not None:
        raise error
    sys.exit(0)


async def _main(site: Site) -> RtaError | None:
    """The error that kept it from running, if it is one a person can mend."""
    expected: RtaError | None = None
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(_signals, site)
            await site.run()
            nursery.cancel_scope.cancel()
    except* RtaError as group:
        expected = first_error(group)
    return expected


async def _signals(site: Site, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            if site.stopping:
                os._exit(128 + number)
            log.info("signal", name=signal.Signals(number).name)
            site.stop()
