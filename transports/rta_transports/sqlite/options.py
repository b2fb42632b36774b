"""How the archive on disk is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import Attribute, define
from attrs.validators import optional

from rta.ports import Context, option

__all__ = ["SqliteArchiveOptions", "folder_of"]


def _is_folder(_: object, attribute: Attribute[Any], value: str) -> None:
    if not value or "\0" in value:
        raise ValueError(f"expected a folder, as /var/lib/rta/archive; got {value!r}")
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{value!r}: there is no such user") from None


@define
class SqliteArchiveOptions:
    """Recorded sessions on the disk of this machine: one SQLite file for each, and a log of what has just come."""

    path: str | None = option(
        "The folder; relative to the folder of the configuration. Unset: `archive` in the state directory.",
        None,
        validator=optional(_is_folder),
    )


def folder_of(options: SqliteArchiveOptions, context: Context) -> Path | None:
    """The folder of the archive; None: neither it nor a state directory is set."""
    if options.path is not None:
        return context.folder / Path(options.path).expanduser()
    return None if context.state_dir is None else context.state_dir / "archive"
