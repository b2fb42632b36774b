"""A file that a source plays: what it holds, and the `[[source]]` table of a configuration that reads it so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rta.cli.faults import Faults
from rta.cli.played_files import source_names
from rta.cli.source_options import read_source_options
from rta.formatting import toml_text
from rta.ports import Context, Inspection, load_transport

__all__ = ["inspect_file", "source_table"]


def inspect_file(
    file: Path,
    options: Mapping[str, str] = {},
    rows: int | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Inspection:
    """What the file holds, of so many rows at most. `progress` hears from 0 to 1 how far it is.

    :raises RtaError: the file or an option is not fit.
    """
    offer = load_transport("csv").source
    assert offer is not None
    assert offer.inspect is not None
    context = Context(file.name, Path.cwd(), time.time_ns, Faults())
    return offer.inspect(read_source_options(offer, {"path": str(file)} | dict(options)), context, rows, progress)


def source_table(path: Path, found: Inspection) -> str:
    """The table as TOML, with all that was found set; `path` is written as it is."""
    [name] = source_names([path])
    lines = ["[[source]]", f'name = "{name}"', 'transport = "csv"', f"path = {toml_text(str(path))}"]
    return "".join(f"{line}\n" for line in [*lines, *(f"{k} = {_toml(v)}" for k, v in found.settings.items())])


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{toml_text(k)} = {_toml(v)}' for k, v in value.items())} }}"
    return toml_text(value) if isinstance(value, str) else str(value).lower()
