"""How the archive on disk is configured."""

from __future__ import annotations

from pathlib import Path

from attrs import define

from rta.ports import Context, option

__all__ = ["SqliteArchiveOptions", "folder_of"]


@define
class SqliteArchiveOptions:
    """Recorded sessions on the disk of this machine: one SQLite file for each, and a log of what has just come."""

    path: str | None = option(
        "The folder; relative to the folder of the configuration. Unset: `archive` in the state directory.", None
    )


def folder_of(options: SqliteArchiveOptions, context: Context) -> Path | None:
    """The folder of the archive; None: neither it nor a state directory is set."""
    if options.path is not None:
        return context.folder / Path(options.path).expanduser()
    return None if context.state_dir is None else context.state_dir / "archive"
