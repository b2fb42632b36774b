"""A session that is written at once, beside the process that has the archive: what files are imported with.

The file is laid down where the archive takes it in, or is not there at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from rta.archive import ChannelTypes
from rta.errors import ArchiveError
from rta.ports import Chunk, Context
from rta.state_file import make_folder, sync_folder
from rta.store.database import spoken
from rta.wire import TimeRange
from rta_transports.sqlite.building import overview_of
from rta_transports.sqlite.chunk_rows import ChunkRow
from rta_transports.sqlite.documents import Document, pack_document
from rta_transports.sqlite.folder import check_format
from rta_transports.sqlite.kind import ARCHIVE, FAULTS
from rta_transports.sqlite.options import SqliteArchiveOptions, folder_of
from rta_transports.sqlite.places import ArchivePlaces, digest_of
from rta_transports.sqlite.sealed_file import SealedFile
from rta_transports.sqlite.session_file import SessionHead, write_document_row
from rta_transports.sqlite.types import channel_types

__all__ = ["SessionFileWriter", "write_session"]

_HELD = 48 << 20  # bytes in memory: what belongs together is written together


class SessionFileWriter:
    """Use it as a context manager: without `finish` nothing is left. Everything blocks, and may raise an error:

    :raises ArchiveError: the disk is full, or the folder cannot be written.
    """

    def __init__(self, folder: Path, identity: str, types: ChannelTypes, *, large: bool = True) -> None:
        """`folder`: of the archive, which is made if it is not there. `types`: of the channels; for overviews."""
        self.identity = identity
        self._types = types
        self._places = ArchivePlaces(folder)
        self._span: TimeRange | None = None
        self._finished = False
        name = digest_of(identity)
        self._laid = self._places.incoming / f"{name}.sqlite"
        try:
            check_format(self._places)
            make_folder(self._places.incoming)
            self._file = SealedFile(self._places.incoming / f".{name}-{os.getpid()}", large, _HELD)
        except FAULTS as e:
            raise self._failed(e) from e

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Those of one channel by their starts, without overlap; channels may come in turns."""
        try:
            for chunk in chunks:
                self._file.add(ChunkRow(chunk, 0, 0, overview_of(chunk, self._types)))
                self._span = TimeRange.union_of(self._span, TimeRange(chunk.start, chunk.end))
        except FAULTS as e:
            raise self._failed(e) from e

    def publish(self, identifier: str, text: str) -> None:
        """A configuration document that the session is bound to."""
        try:
            write_document_row(self._file.db, pack_document(Document(identifier, text, channel_types(text))))
        except FAULTS as e:
            raise self._failed(e) from e

    def finish(self, json: str, span: TimeRange | None = None) -> Path:
        """The session is whole: an archive that is open takes it in within seconds, another one when it is opened.

        :param json: of the session, which is closed.
        :param span: what the session covers beside its data.
        :return: the file, which is gone when it has been taken in.
        """
        try:
            self._file.finish(SessionHead(self.identity, json, TimeRange.union_of(self._span, span)))
            os.replace(self._file.path, self._laid)
            sync_folder(self._laid.parent)
        except FAULTS as e:
            raise self._failed(e) from e
        self._finished = True
        return self._laid

    def discard(self) -> None:
        """Nothing is left of it."""
        if not self._finished:
            self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _failed(self, error: Exception) -> ArchiveError:
        found = spoken(ARCHIVE, self._places.folder, error)
        assert isinstance(found, ArchiveError)
        return found


def write_session(
    options: SqliteArchiveOptions, context: Context, identity: str, types: ChannelTypes
) -> SessionFileWriter:
    """See `rta.ports.Offer`."""
    folder = folder_of(options, context)
    if folder is None:
        raise ArchiveError("the archive has no place: set archive.path or a state directory, or name its folder")
    return SessionFileWriter(folder, identity, types)
