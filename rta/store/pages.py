"""The rows of a damaged SQLite file: of each page that holds rows those that can be made out, whatever else is wrong.

Neither the head of the file nor the tree of its pages is believed, so that each page counts for itself, and the time is
bounded by the size. The pages in the write-ahead log are older and newer ones of the same file: a row may come more
than once, and one that was removed may come. Whether a row is right, its check sum says.

Source: "The Database File", sqlite.org/fileformat2.html, section 1.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from rta.state_file import open_own_file
from rta.store.database import beside

__all__ = ["Value", "rows"]

Value = int | float | bytes | str | None

_LEAF = 0x0D  # of a table
_FIRST = 100  # bytes of the file's head on its first page
_LOG_HEAD, _FRAME = 32, 24
_CHAINS = 4  # how often each page may be looked at as one of those, on average
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def rows(path: Path, page: int, columns: frozenset[int]) -> Iterator[tuple[int, list[Value]]]:
    """Row numbers and values, of rows of so many columns. Texts are decoded as well as may be.

    :param page: bytes of a page.
    :raises DamagedFileError, OSError: it cannot be read, or is no file.
    """
    pages = _Pages(*_files(path), page)
    for found in pages.all():
        yield from _of_page(pages, found, columns)


def _files(path: Path) -> tuple[memoryview, memoryview]:
    """The file and its log, one of which need not be there."""
    log = beside(path, "-wal")
    alone = not os.path.lexists(log)
    return (
        memoryview(b"") if not alone and not os.path.lexists(path) else _contents(path),
        memoryview(b"") if alone else _contents(log),
    )


def _contents(path: Path) -> memoryview:
    descriptor = open_own_file(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) if size else b"")
    finally:
        os.close(descriptor)


class _Pages:
    """Of the file and of its log."""

    def __init__(self, file: memoryview, log: memoryview, size: int) -> None:
        self.size = size
        self._file = file
        self._logged: list[memoryview] = []
        self._newest: dict[int, memoryview] = {}
        for start in range(_LOG_HEAD + _FRAME, len(log) - size + 1, _FRAME + size):
            page = log[start : start + size]
            self._logged.append(page)
            self._newest[int.from_bytes(log[start - _FRAME : start - _FRAME + 4], "big")] = page
        self._chains_left = _CHAINS * (len(self._logged) + len(self._file) // size)

    def all(self) -> Iterator[memoryview]:
        for start in range(0, len(self._file) - self.size + 1, self.size):
            yield self._file[start : start + self.size]
        yield from self._logged

    def chain(self, number: int, size: int) -> bytes:
        """What a row has on other pages, as far as it is there."""
        found = bytearray()
        while number and len(found) < size and self._chains_left:
            self._chains_left -= 1
            page = self._newest.get(number) or self._file[(number - 1) * self.size : number * self.size]
            if len(page) < self.size:
                break
            number = int.from_bytes(page[:4], "big")
            found += page[4 : 4 + size - len(found)]
        return bytes(found)


def _of_page(pages: _Pages, page: memoryview, columns: frozenset[int]) -> Iterator[tuple[int, list[Value]]]:
    head = _FIRST if page[:15].tobytes() == b"SQLite format 3" else 0
    if page[head] != _LEAF:
        return
    count = min(int.from_bytes(page[head + 3 : head + 5], "big"), (pages.size - head - 8) // 2)
    for cell in struct.unpack_from(f">{count}H", page, head + 8):
        try:
            size, at = _varint(page, cell)
            number, at = _varint(page, at)
            inline = _inline(size, pages.size)
            payload = page[at : at + inline].tobytes()
            if len(payload) < size:
                if inline == size:
                    continue
                at += inline
                payload += pages.chain(int.from_bytes(page[at : at + 4], "big"), size - len(payload))
            values = _values(payload, columns) if len(payload) == size else None
        except IndexError:
            continue
        if values is not None:
            yield number - (number >> 63 << 64), values


def _inline(size: int, page: int) -> int:
    """How much of a row is on its own page."""
    most = page - 35  # of a row that has no other page
    if size <= most:
        return size
    least = (page - 12) * 32 // 255 - 23
    found = least + (size - least) % (page - 4)
    return found if found <= most else least


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for i in range(at + 1, at + 8):
        byte = data[i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, i + 1
    return value << 8 | data[at + 8], at + 9


def _values(payload: bytes, columns: frozenset[int]) -> list[Value] | None:
    """None: it is no row, or one of another number of columns."""
    end, at = _varint(payload, 0)
    kinds: list[int] = []
    while at < end and len(kinds) <= max(columns):
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if at != end or len(kinds) not in columns:
        return None
    values: list[Value] = []
    for kind in kinds:
        size = _INTEGERS.get(kind, 0) if kind < 7 else 8 if kind == 7 else max(0, kind - 12) // 2
        field = payload[at : at + size]
        at += size
        values.append(_value(kind, field))
    return values if at == len(payload) else None


def _value(kind: int, field: bytes) -> Value:
    if kind >= 12:
        return field.decode("utf-8", "replace") if kind % 2 else field
    if kind == 7:
        return float(struct.unpack(">d", field)[0]) if len(field) == 8 else None
    if kind in _INTEGERS:
        return int.from_bytes(field, "big", signed=True)
    return {8: 0, 9: 1}.get(kind)
