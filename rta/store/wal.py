"""The write-ahead log of an SQLite file that was not closed: whether transactions in it have been lost.

SQLite takes over a log up to the first page that does not match its check sum, and says nothing. A process that was
killed leaves only a tail that nobody was told about; pages of whole transactions behind that point are damage.
Source: "The WAL file format", sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import struct
from pathlib import Path

from rta.store.database import beside

__all__ = ["WriteAheadLog"]

_HEAD = 32
_FRAME = 24
_MAGIC = 0x377F0682  # the lowest bit: byte order of the check sums


class WriteAheadLog:
    """As it was found before the file was opened."""

    def __init__(self, path: Path, page: int) -> None:
        """`path` is that of the database, `page` the bytes of its pages."""
        self.breaks_off = False
        """It ends within a commit: that is one that nobody was told of, unless the end was cut off."""
        self._whole = True
        self._committed: list[int] = []
        try:
            with open(beside(path, "-wal"), "rb") as file:
                head = file.read(_HEAD)
                if not head:  # whoever has only read leaves an empty one
                    return
                frames, rest = divmod(file.seek(0, 2) - _HEAD, _FRAME + page)
                self.breaks_off = bool(rest)
                if frames < 1:
                    return
                self._whole = _is_head(head)
                for number in range(frames):
                    file.seek(_HEAD + number * (_FRAME + page))
                    frame = file.read(_FRAME)
                    if frame[8:16] == head[16:24]:
                        ends = frame[4:8] != bytes(4)
                        self.breaks_off = self.breaks_off or (number + 1 == frames and not ends)
                        if ends:
                            self._committed.append(number + 1)
        except OSError:
            return

    def is_torn(self, taken: int) -> bool:
        """Whether transactions are missing when so many of its pages have been taken over."""
        return not self._whole or any(number > taken for number in self._committed)


def _is_head(head: bytes) -> bool:
    magic, _, _, _, _, _, *found = struct.unpack(">8I", head)
    if magic & ~1 != _MAGIC:
        return False
    words = struct.unpack(f"{'>' if magic & 1 else '<'}6I", head[:24])
    first = second = 0
    for i in range(0, 6, 2):
        first = (first + words[i] + second) & 0xFFFFFFFF
        second = (second + words[i + 1] + first) & 0xFFFFFFFF
    return [first, second] == found
