"""Configuration documents, one file each: they never change, and sessions share them."""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import lz4.block
from attrs import frozen

from rta.errors import DamagedFileError
from rta.state_file import open_own_file, replace_file, set_aside
from rta_transports.sqlite.places import ArchivePlaces

__all__ = ["Document", "Documents", "pack_document", "unpack_document"]

_MAGIC = b"RTAC"
_HEAD = struct.Struct("<4sI")
_LENGTH = struct.Struct("<I")


@frozen
class Document:
    """A configuration document."""

    identifier: str
    text: str
    types: bytes
    """Of its channels: see `rta_transports.sqlite.types`."""


def pack_document(document: Document) -> bytes:
    """As a file has it: a check sum over all behind it, then identifier, types and text, LZ4 blocks."""
    parts = (document.identifier.encode("utf-8", "surrogatepass"), document.types, _encoded(document.text))
    packed: list[bytes] = [lz4.block.compress(part) for part in parts]
    body = b"".join(_LENGTH.pack(len(part)) + part for part in packed)
    return _HEAD.pack(_MAGIC, zlib.crc32(body)) + body


def unpack_document(data: bytes) -> Document:
    """The inverse.

    :raises DamagedFileError: it is not as it was written.
    """
    if len(data) < _HEAD.size or _HEAD.unpack_from(data) != (_MAGIC, zlib.crc32(data[_HEAD.size :])):
        raise DamagedFileError("it is not as it was written")
    parts: list[bytes] = []
    at = _HEAD.size
    while at < len(data):
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size + size
        parts.append(lz4.block.decompress(data[at - size : at]))
    identifier, types, text = parts
    return Document(identifier.decode("utf-8", "surrogatepass"), text.decode("utf-8", "surrogatepass"), types)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Documents:
    """Those of an archive. Any thread may read them."""

    def __init__(self, places: ArchivePlaces) -> None:
        self._places = places

    def put(self, document: Document) -> None:
        """Keep it; the same again is nothing new.

        :raises OSError: it cannot be written.
        """
        path = self._places.configuration(document.identifier)
        try:
            if unpack_document(_read(path)).identifier == document.identifier:
                return
        except (OSError, DamagedFileError):
            pass
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, pack_document(document))

    def get(self, identifier: str) -> Document | None:
        """What is there of this identifier.

        :raises DamagedFileError: it is not as it was written; it is set aside.
        :raises OSError: it cannot be read.
        """
        path = self._places.configuration(identifier)
        try:
            found = unpack_document(_read(path))
        except FileNotFoundError:
            return None
        except DamagedFileError:
            with suppress(OSError):
                set_aside(path)
            raise
        return found if found.identifier == identifier else None

    def remove(self, identifier: str) -> None:
        """It may be gone already."""
        self._places.configuration(identifier).unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    with open(open_own_file(path, os.O_RDONLY), "rb") as file:
        return file.read()
