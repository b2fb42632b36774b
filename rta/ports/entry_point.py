"""What a plug-in offers under an entry point, imported and checked."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TypeVar

from rta.errors import RtaError

__all__ = ["load_entry_point"]

T = TypeVar("T")


def load_entry_point(entry: EntryPoint, kind: type[T]) -> T:
    """
    :raises RtaError: it does not import, or is something else.
    """
    what = f"{kind.__name__.lower()} {entry.name!r}"
    try:
        found = entry.load()
    except (ImportError, AttributeError) as e:
        raise RtaError(f"{what} ({entry.value}) does not load: {e}") from e
    if not isinstance(found, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise RtaError(f"{what}: {entry.value} is a {type(found).__name__}, not {article} {kind.__name__}")
    return found
