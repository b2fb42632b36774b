"""What a loaded configuration is. Knows nothing of files, variables or how values are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from attrs import define, field, frozen
from attrs.validators import ge

from rta.actors.settings import FanOutSettings, PrunerSettings
from rta.ports import Duration, option

__all__ = ["Config", "LoggingSettings", "Plugged", "SiteSettings", "SourceConfig"]


@define
class SiteSettings:
    """The service as a whole."""

    label: str = option("What this site is called, in logs and on its status page.", "rta")
    description: str = option("For people who look at it: where it stands, what it is for.", "")
    grace: Duration = option(
        "After a request to stop, how long clients have to take what they are owed.", Duration(10.0)
    )
    workers: int = option(
        "Processes that serve clients on the one port; more than one needs a buffer that processes can share.",
        1,
        validator=ge(1),
    )


@define
class LoggingSettings:
    """What the service says about itself."""

    level: Literal["debug", "info", "warning", "error"] = option("The least important lines that are written.", "info")
    format: Literal["auto", "console", "json"] = option(
        "Coloured lines for people, JSON for machines; auto: console on a terminal, JSON elsewhere.", "auto"
    )


@frozen
class Plugged:
    """The transport chosen for a table, and its options: an object of the transport's own options class."""

    transport: str
    options: Any


@frozen
class SourceConfig:
    """One `[[source]]`: where bursts come from, and the stream they are put on."""

    name: str
    transport: str
    stream: str
    options: Any


@frozen
class Config:
    """A whole configuration that was found free of problems."""

    site: SiteSettings
    buffer: Plugged
    topics: Plugged
    edge: Plugged
    fanout: FanOutSettings
    pruner: PrunerSettings
    logging: LoggingSettings
    sources: list[SourceConfig] = field(factory=list)
    path: Path | None = None
    """The file it is from; relative paths in it are relative to that file's folder."""
    warnings: list[str] = field(factory=list)
    """What the operator should know though nothing is wrong, one line each."""
