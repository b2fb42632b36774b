"""A site without a configuration file: it plays files, each as a source of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rta.config import Config, build_config

__all__ = ["play_files", "source_names"]

_LONGEST = 90  # characters: with a number behind them they are no more than a name may have
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_AT_ONCE = 1e9  # the speed that 0 stands for


def play_files(files: Sequence[Path], speed: float, loop: bool, environ: Mapping[str, str]) -> Config:
    """The configuration that a TOML file with one `[[source]]` for each file would give; variables count as always.

    `speed`: how many times as fast as recorded; 0: as fast as possible.

    :raises ConfigError: with every problem there is.
    """
    sources: list[dict[str, Any]] = [
        {"name": name, "transport": "csv", "path": str(path), "speed": speed or _AT_ONCE, "loop": loop}
        for name, path in zip(source_names(files), files, strict=True)
    ]
    document = {"buffer": {"transport": "memory"}, "edge": {"host": "127.0.0.1"}, "source": sources}
    return build_config(document, environ)


def source_names(files: Sequence[Path]) -> Iterator[str]:
    """A name for the source of each file, no two the same: the file's, without what a name cannot have."""
    given: set[str] = set()
    for path in files:
        name = base = _UNFIT.sub("-", path.stem)[:_LONGEST].strip("-") or "file"
        number = 1
        while name in given:
            number += 1
            name = f"{base}-{number}"
        given.add(name)
        yield name
