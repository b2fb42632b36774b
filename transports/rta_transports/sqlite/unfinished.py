"""Which session files a process was writing anew when it ended, so that one at which it always ends stops nothing else.

Such a file leaves its copy in the folder `work`. Of processes that end one after the other, each within the same file,
three are enough.
"""

from __future__ import annotations

import os
from contextlib import suppress

from rta.errors import DamagedFileError
from rta.state_file import read_document, write_document
from rta_transports.sqlite.places import ArchivePlaces

__all__ = ["left_alone"]

_TRIES = 3
_LIMIT = 1 << 20  # bytes


def left_alone(places: ArchivePlaces) -> frozenset[str]:
    """Names of files that this process is to leave as they are; the next one tries again. Before `work` is emptied."""
    try:
        names = [name for name in os.listdir(places.work) if name.endswith(".sqlite")]
    except FileNotFoundError:
        return frozenset()
    before: dict[str, object] = {}
    with suppress(OSError, DamagedFileError):
        before = read_document(places.unfinished, _LIMIT)
    ends = {name: 1 + (known if isinstance(known := before.get(name), int) else 0) for name in names}
    with suppress(OSError):  # the disk is full: nothing is written anew then
        if ends:
            write_document(places.unfinished, ends)
        else:
            places.unfinished.unlink(missing_ok=True)
    return frozenset(name for name, count in ends.items() if count >= _TRIES)
