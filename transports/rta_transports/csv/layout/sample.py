"""The parts of a file that its layout is found by. The only I/O of the detection; blocks."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from rta.ports import RtaError

__all__ = ["FileSample", "read_sample", "wide_encoding"]

_HEAD = 1 << 18
_HEAD_LIMIT = 1 << 23  # a preamble, and some lines of the longest that is taken
_PART = 1 << 16
_LINES = 4  # header, units, sources and a row, each as long as the longest line so far
_BINARY = 0.3  # share of NUL bytes; UTF-16 is known before
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (.xlsx); save the sheet as CSV, or unpack the archive"),
    (b"PK\x05\x06", "an empty ZIP archive; a text file would be right"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls); save the sheet as CSV"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first (gunzip)"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard; unpack it first (unzstd)"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4; unpack it first (unlz4)"),
    (b"\xfd7zXZ\0", "compressed with xz; unpack it first (unxz)"),
    (b"BZh", "compressed with bzip2; unpack it first (bunzip2)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"SQLite format 3\0", "an SQLite database; export a table as CSV"),
    (b"PAR1", "a Parquet file; write the table as CSV"),
    (b"ARROW1", "an Arrow file; write the table as CSV"),
    (b"MDF     ", "an MDF recording (.mdf, .mf4); export it as CSV"),
    (b"UnFinMF ", "an unfinished MDF recording; export it as CSV"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file; export a table as CSV"),
    (b"ULog\x01\x12\x35", "a ULog of PX4; convert it with ulog2csv"),
    (b"\xa3\x95", "a binary log of DataFlash; export it as CSV"),
    (b"TDSm", "a TDMS file of LabVIEW; export it as CSV"),
    (b"MATLAB 5.0 MAT", "a MATLAB file; write the table as CSV"),
    (b"%PDF", "a PDF document; a text file would be right"),
    (b"\x40\x00\x00\x00", "a binary log, such as MoTeC's (.ld); export it as CSV"),
    (b"{\\rtf", "a Rich Text document; save it as plain text"),
    (b"<!DOCTYPE", "an HTML page, perhaps a log-in page; download the file itself"),
    (b"<html", "an HTML page, perhaps a log-in page; download the file itself"),
    (b"<?xml", "an XML document; export the table as CSV"),
)


@frozen
class FileSample:
    """Bytes of a file: its head, and where it is longer, some from the middle and from the end."""

    head: bytes
    middle: bytes
    """Begins within a line at an even place; empty in a short file."""
    tail: bytes
    """As `middle`; ends with the file."""
    size: int
    """Of the whole file."""

    @property
    def is_whole(self) -> bool:
        """Whether the head is all of the file."""
        return len(self.head) == self.size


def read_sample(path: Path) -> FileSample:
    """Reads a bounded part of the file, whatever its size.

    :raises RtaError: it is not a file, is empty, cannot be read, or is no text.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe might wait for ever
            raise RtaError("is not a file")
        with path.open("rb") as file:
            sample = _read_parts(file, path.stat().st_size)
    except ValueError as e:
        raise RtaError(f"is not a path: {e}") from None
    except OSError as e:
        raise RtaError(f"cannot be read: {e.strerror or e}") from None
    _check_text(sample.head)
    return sample


def _read_parts(file: BinaryIO, size: int) -> FileSample:
    head = file.read(_HEAD)
    while 0 < len(head) < min(size, _HEAD_LIMIT) and _LINES * _longest_line(head) > len(head):
        more = file.read(_LINES * _longest_line(head) - len(head) + 1)
        if not more:
            break
        head += more
    rest = size - len(head)
    tail = _read_at(file, size - min(rest, _PART)) if rest > 0 else b""
    middle_at = len(head) + (rest - len(tail) - _PART) // 2
    middle = _read_at(file, middle_at) if rest >= 4 * _PART else b""
    return FileSample(head, middle, tail, max(size, len(head)))


def _read_at(file: BinaryIO, place: int) -> bytes:
    file.seek(place + place % 2)  # UTF-16 has two bytes for a character
    return file.read(_PART)


def _longest_line(data: bytes) -> int:
    """Of lines however they end."""
    return max(map(len, data.replace(b"\r", b"\n").split(b"\n")))


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 without a mark, by the zeros beside digits, delimiters and line ends; None: it is not that."""
    start = head[:4096]
    for name, zero in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros, others = start[zero::2], start[1 - zero :: 2]
        if zeros.count(0) > 0.2 * len(zeros) and others.count(0) < 0.05 * len(others):
            text = start.decode(name, "ignore").rstrip("\0")
            if sum(c.isprintable() or c.isspace() for c in text) > 0.95 * len(text):
                return name
    return None


def _check_text(head: bytes) -> None:
    if not head:
        raise RtaError("is empty; a header line and rows would be right")
    for magic, kind in _MAGIC:
        if head[: len(magic)].lower() == magic.lower():
            raise RtaError(f"is {kind}")
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff") or wide_encoding(head) is not None
    text = head.rstrip(b"\0") if b"\n" in head or b"\r" in head else head  # a logger sets room aside
    if not wide and len(text) >= 64 and text.count(0) > _BINARY * len(text):
        raise RtaError("has NUL bytes all over, so it is no text; a text file would be right")
