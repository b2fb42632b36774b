"""The page that people look at in a browser: its files, as `make web` has built them from the sources in `web/`."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from attrs import frozen

from rta.errors import RtaError

__all__ = ["PageFile", "page_file"]

_FOLDER = Path(__file__).parent / "files"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


@frozen
class PageFile:
    """One file."""

    media_type: str
    whole: bytes
    packed: bytes
    """With gzip."""


def page_file(name: str) -> PageFile | None:
    """A file of the page; None: it has none of this name.

    :raises RtaError: the page has not been built.
    """
    return _files().get(name)


@cache
def _files() -> dict[str, PageFile]:
    """All of them, by name: they are few and small."""
    found = {path.name: path.read_bytes() for path in sorted(_FOLDER.glob("*.*")) if path.suffix in _TYPES}
    if "index.html" not in found:
        raise RtaError("the page has not been built: make web")
    return {
        name: PageFile(_TYPES[Path(name).suffix], data, gzip.compress(data, mtime=0)) for name, data in found.items()
    }
