"""The `[[source]]` table of a configuration that plays a file."""

from __future__ import annotations

from pathlib import Path

from rta.cli.played_files import source_names
from rta.formatting import toml_text

__all__ = ["source_table"]


def source_table(path: Path) -> str:
    """The table as TOML; `path` is written as it is."""
    [name] = source_names([path])
    return f'[[source]]\nname = "{name}"\ntransport = "csv"\npath = {toml_text(str(path))}\n'
