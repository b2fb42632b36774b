"""The `[archive]` table: what is recorded, and how much is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, define, frozen
from attrs.validators import gt, optional

from rta.client.base_url import check_base_url
from rta.errors import RtaError
from rta.ports import ArchiveLimits, Duration, Size, option

__all__ = ["ArchiveConfig", "ArchiveKeys", "RecordedSessions", "user_state_dir"]


def _is_base_url(_: object, attribute: Attribute[Any], value: str) -> None:
    try:
        check_base_url(value)
    except RtaError as e:
        raise ValueError(f"{attribute.name}: {e}") from None


@define
class RecordedSessions:
    """Which sessions are recorded. Once a session is, it stays so."""

    detail: dict[str, str | int | float] = option(
        'Details the session must have: `{ vehicle = "Subaru WRX STI" }`; without any, all are.', factory=dict
    )


@define
class ArchiveKeys:
    """Recorded sessions on disk. Without this table there is no archive; where they are kept is an option of the
    transport, and without it a folder `archive` in `site.state_dir`, or else in the state directory of the user."""

    transport: str = option("What keeps them.", "sqlite")
    enabled: bool = option("Whether there is an archive: false is as without this table.", True)
    record: bool = option("Whether sessions are recorded; false: what is there, or is imported, is served.", True)
    session: RecordedSessions = option("Which sessions are recorded.", factory=RecordedSessions)
    max_age: Duration | None = option(
        "Closed sessions are deleted so long after they were last written to; unset: never.",
        None,
        validator=optional(gt(0)),
    )
    max_size: Size | None = option(
        "The bytes on disk over which the oldest closed sessions are deleted; unset: no bound.",
        None,
        validator=optional(gt(0)),
    )
    min_free: Size | None = option(
        "The bytes that are to stay free on the disk, or else the oldest closed sessions are deleted; unset: no bound.",
        None,
        validator=optional(gt(0)),
    )
    log_age: Duration = option(
        "How long what has been recorded is also kept as it came, for clients that are far behind or come back.",
        Duration(3600.0),
    )
    log_size: Size = option("The bytes of that over which the oldest goes.", Size(1 << 30))
    url: str | None = option(
        "The base URL of another service on the same buffer, which has the archive: this one has none then, records "
        "nothing, and sends requests about recorded sessions on. Unset: this one has it.",
        None,
        validator=optional(_is_base_url),
    )
    token: str | None = option(
        "What we sign in with at that service, for the role `read`. Without it clients are let in there by what they "
        "bring, and those that are far behind are not served from there if it wants a token. Better given as "
        "RTA_ARCHIVE__TOKEN, or by token_file, than in a file that others read.",
        None,
        secret=True,
    )
    token_file: Path | None = option(
        "A file that holds the token and nothing else; a new one is taken within 10 s.", None
    )


@frozen
class ArchiveConfig:
    """The `[archive]` table of a configuration without problems."""

    settings: ArchiveKeys
    options: Any
    """An object of the transport's own options class."""

    @property
    def here(self) -> bool:
        """Whether this service has the archive itself."""
        return self.settings.enabled and self.settings.url is None

    @property
    def url(self) -> str | None:
        """Which other service has it."""
        return self.settings.url if self.settings.enabled else None

    @property
    def details(self) -> dict[str, str]:
        """Those that a session must have to be recorded."""
        return {name: str(value) for name, value in self.settings.session.detail.items()}

    @property
    def limits(self) -> ArchiveLimits:
        """How much is kept."""
        s = self.settings
        age = None if s.max_age is None else round(s.max_age * 1e9)
        return ArchiveLimits(age, s.max_size, s.min_free, round(s.log_age * 1e9), s.log_size)


def user_state_dir(environ: Mapping[str, str]) -> Path | None:
    """Where a service of this user keeps what is to survive a restart: the state directory that systemd has made for
    it, or else `rta` in the user's own. None: there is none."""
    if made := environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(made)
    home, state = environ.get("HOME", ""), environ.get("XDG_STATE_HOME", "")
    if Path(state).is_absolute():  # others are to be left out of account
        return Path(state) / "rta"
    return Path(home) / ".local" / "state" / "rta" if Path(home).is_absolute() else None
