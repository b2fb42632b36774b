"""Which bytes are which characters: UTF-8, UTF-16, or the one of Western Windows."""

from __future__ import annotations

import codecs
import io
import re

from rta.ports import RtaError
from rta_transports.csv.layout.alphabets import detect_one_byte
from rta_transports.csv.layout.sample import FileSample, wide_encoding

__all__ = ["decode_errors", "decode_lines", "detect_encoding"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as the next one does
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""Bytes that are nothing in Windows-1252."""
_OUTSIDE = re.compile(rb"[\x80-\xff]")
_NOT_BYTES = ("utf-16", "utf-32", "utf-7", "iso2022", "hz", "unicode-escape", "raw-unicode-escape")
_CHECKED = 1 << 17  # bytes from the first outside ASCII on
_CONTINUATION = bytes(range(0x80, 0xC0))


def detect_encoding(sample: FileSample, wanted: str | None = None) -> tuple[str, str]:
    """A codec's name, and the reason; `wanted` wins, but a mark at the beginning is still left out.

    :raises RtaError: there is no encoding of the name that is wanted.
    """
    head = sample.head
    mark = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if wanted:
        name = _known(wanted)
        return ("utf-8-sig" if (name, mark) == ("utf-8", "utf-8-sig") else name), f"encoding {wanted}, as set"
    if mark:
        return mark, f"encoding {mark}: the file begins with its mark"
    if wide := wide_encoding(head):
        return wide, f"encoding {wide}: zeros stand at every other place only"
    parts = (head, sample.middle, sample.tail)
    if all(part.isascii() for part in parts):
        return "utf-8", "encoding utf-8: all that was read is ASCII"
    first = next(part for part in parts if not part.isascii())
    begin = next(_OUTSIDE.finditer(first)).start()
    if _is_utf_8(first[begin : begin + _CHECKED], first is head or begin > 0):
        return "utf-8", "encoding utf-8: the bytes outside ASCII follow its rules"
    if found := detect_one_byte(parts):
        return found, f"encoding {found}: bytes are not UTF-8, and its letters are those of one language"
    if any(_UNDEFINED.intersection(part) for part in parts):
        return "latin-1", "encoding latin-1: bytes are neither UTF-8 nor Windows-1252"
    return "cp1252", "encoding cp1252: bytes are not UTF-8; encoding would help where letters are wrong"


def decode_errors(encoding: str) -> str:
    """What becomes of bytes that are wrong in an encoding, as `open` takes it: no file is refused for them."""
    return "replace" if encoding.startswith(_NOT_BYTES) else "surrogateescape"


def decode_lines(sample: FileSample, encoding: str) -> tuple[list[str], list[str]]:
    """The whole lines of the head, and those of the parts behind it; without line ends.

    :raises RtaError: the encoding cannot be used.
    """
    behind = "utf-8" if encoding == "utf-8-sig" else _without_mark(encoding, sample.head)
    lines = _lines(sample.head, encoding)
    if not sample.is_whole and len(lines) > 1:
        del lines[-1]
    later = _lines(sample.middle, behind)[1:-1] + _lines(sample.tail, behind)[1:]
    return lines, later


def _lines(part: bytes, encoding: str) -> list[str]:
    if not part:
        return []
    try:
        text = part.decode(encoding, decode_errors(encoding))
    except (UnicodeError, LookupError) as e:
        raise RtaError(f"cannot be read with encoding = {encoding!r}: {e}; utf-8 or cp1252 might be right") from None
    lines = io.StringIO(text, newline=None).read().split("\n")  # "\n", "\r\n" and "\r" only, as files are read
    return lines[:-1] if lines[-1] == "" else lines


def _known(name: str) -> str:
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        pass
    raise RtaError(f"encoding: there is no {name!r}; utf-8, utf-16, cp1252 or latin-1 would be right")


def _without_mark(encoding: str, head: bytes) -> str:
    if encoding in ("utf-16", "utf-32"):
        return encoding + ("-be" if head[:2] in (b"\xfe\xff", b"\0\0") else "-le")
    return encoding


def _is_utf_8(part: bytes, begins: bool) -> bool:
    """Whether as much is right as is wrong: one bad byte does not make a file Latin-1."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")  # waits for the rest of a character at the end
    text = decoder.decode(part if begins else part.lstrip(_CONTINUATION))
    outside = sum(c > "\x7f" for c in text)
    wrong = sum("\udc80" <= c <= "\udcff" for c in text)
    return outside >= 2 * wrong
