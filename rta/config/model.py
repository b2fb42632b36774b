"""What a loaded configuration is. Knows nothing of files, variables or how values are written."""

from __future__ import annotations

from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, define, field, frozen
from attrs.validators import ge

from rta.alarm.definition import AlarmDefinition
from rta.auth.settings import AuthSettings
from rta.config.archive import ArchiveConfig
from rta.formatting import shown
from rta.node.command_settings import CommandSettings
from rta.node.status_settings import DefinedStatus
from rta.ports import Duration, find_zone, option, zone_fault
from rta.rsmp.names import NODE
from rta.session.options import FanOutSettings, JsonSettings, PrunerSettings

__all__ = ["Config", "LoggingSettings", "Plugged", "SiteSettings", "SourceConfig"]


def _zone(_: object, attribute: Attribute[Any], value: str) -> None:
    if (fault := zone_fault(value)) is not None:
        raise ValueError(f"expected a time zone's IANA name, got {shown(value)}: {fault}")


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
    node: str = option(
        "The id of this node on the topic bus, of one or more levels: `dk/cph/tlc-001`.", "rta", validator=NODE
    )
    timezone: str = option(
        "IANA name of the zone where the site stands: the windows of streams are counted from its midnight, and the "
        "page can show times in it.",
        "UTC",
        validator=_zone,
    )
    state_dir: Path | None = option(
        "The folder for what is to survive a restart, made where it is not there: the history of streams, streams "
        "that were added or edited, the record of who did what, the numbers of remote channels. Unset: nothing does.",
        None,
    )
    administration: bool = option(
        "Whether streams may be added, edited and removed while it runs. Needs `state_dir`.", False
    )

    @property
    def zone(self) -> tzinfo:
        """The zone of `timezone`."""
        return find_zone(self.timezone) or UTC  # an unknown one is refused


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
    """A whole configuration without problems."""

    site: SiteSettings
    buffer: Plugged
    topics: Plugged
    edge: Plugged
    fanout: FanOutSettings
    pruner: PrunerSettings
    logging: LoggingSettings
    sources: list[SourceConfig] = field(factory=list)
    statuses: list[DefinedStatus] = field(factory=list)
    commands: list[CommandSettings] = field(factory=list)
    alarms: list[AlarmDefinition] = field(factory=list)
    json: JsonSettings = field(factory=JsonSettings)
    auth: AuthSettings = field(factory=AuthSettings)
    archive: ArchiveConfig | None = None
    """None: there is no archive, neither here nor elsewhere."""
    user_state_dir: Path | None = None
    """Where an archive lies of which nothing says where, and static tokens; None: nowhere."""
    path: Path | None = None
    """The file it was read from."""
    warnings: list[str] = field(factory=list)
    """What the operator should know although nothing is wrong, one line each."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths in it are relative to."""
        return self.path.parent if self.path is not None else Path.cwd()

    @property
    def tokens_file(self) -> Path | None:
        """The file of static tokens, which need not be there; None: there is no place for one."""
        if self.auth.tokens_file is not None:
            return self.folder / self.auth.tokens_file
        place = self.state_dir or self.user_state_dir
        return None if place is None else place / "tokens.json"

    @property
    def ticket_key_file(self) -> Path | None:
        """The file of the key for tickets, if it is given."""
        return None if self.auth.ticket_key_file is None else self.folder / self.auth.ticket_key_file

    @property
    def state_dir(self) -> Path | None:
        """The folder for what survives a restart; None: nothing does. It need not exist yet."""
        return None if self.site.state_dir is None else self.folder / self.site.state_dir
