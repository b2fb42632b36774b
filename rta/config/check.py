"""What can still be wrong with a configuration that loads: missing files, places that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from rta.config.exposure import exposure
from rta.config.model import Config
from rta.config.sign_in import sign_in_faults
from rta.config.tables import SLOTS, offer_for
from rta.errors import Problem
from rta.formatting import shown
from rta.options import FaultLocation, Key
from rta.ports import Context

__all__ = ["check_config"]


def check_config(config: Config, context_for: Callable[[str], Context], with_archive: bool = True) -> list[Problem]:
    """Let every transport check the files and places that its options name. Nothing is started.

    `context_for`: gives the context of a transport, by the name of its table or source. `with_archive`: whether a place
    that the archive cannot be in is a problem.
    """
    place = FaultLocation(config.path, sources={i: source.name for i, source in enumerate(config.sources)})
    ours = [*_of_workers(config), *_of_state(config), *_of_sign_in(config)]
    return [place.problem(key, message) for key, message in ours] + [
        place.problem(key, message)
        for key, table, name, transport, options in _chosen(config, with_archive)
        for message in offer_for(transport, SLOTS[table]).check(options, context_for(name))
    ]


def _chosen(config: Config, with_archive: bool) -> Iterator[tuple[Key, str, str, str, object]]:
    archive = config.archive
    if with_archive and archive is not None and archive.here:
        yield ("archive",), "archive", "archive", archive.settings.transport, archive.options
    for table, plugged in (("buffer", config.buffer), ("topics", config.topics), ("edge", config.edge)):
        yield (table,), table, table, plugged.transport, plugged.options
    for i, source in enumerate(config.sources):
        yield ("source", i), "source", source.name, source.transport, source.options


def _of_workers(config: Config) -> Iterator[tuple[Key, str]]:
    """What is needed for several processes to serve on one port."""
    workers = config.site.workers
    if workers == 1:
        return
    if not offer_for(config.buffer.transport, SLOTS["buffer"]).shared:
        name = shown(config.buffer.transport)
        yield (
            ("buffer", "transport"),
            f"{name} is the buffer of one process, and there are {workers} workers; use redis",
        )
    if offer_for(config.edge.transport, SLOTS["edge"]).address is None:
        yield (
            ("edge", "transport"),
            f"{shown(config.edge.transport)} cannot share its port, and there are {workers} workers",
        )


def _of_sign_in(config: Config) -> Iterator[tuple[Key, str]]:
    """Whether the service is open to others by mistake, or closed to all."""
    exposed = exposure(config.edge.transport, config.edge.options, config.auth)
    if exposed is not None and not config.auth.allow_insecure:
        how = "set auth.enabled and the edge's certificate, or auth.allow_insecure if that is meant"
        yield ("edge", "host"), f"{exposed}: {how}"
    yield from sign_in_faults(config.auth, config.tokens_file, config.ticket_key_file)


def _of_state(config: Config) -> Iterator[tuple[Key, str]]:
    """Whether the state directory can be used."""
    folder = config.state_dir
    if folder is None:
        return
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        yield ("site", "state_dir"), f"{there} is no folder"
    elif not os.access(there, os.W_OK | os.X_OK):
        yield ("site", "state_dir"), f"the folder {there} cannot be written to"
