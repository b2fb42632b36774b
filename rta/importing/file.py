"""A file into an archive, as closed sessions: all of them, or none. Blocks."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid5

from attrs import frozen

from rta.archive import ChannelTypes
from rta.errors import RtaError
from rta.importing.session import SessionChunks
from rta.ports import CloseSession, LoadedPart, OpenSession, Publish, SessionBurst, SessionColumns, UpdateSession
from rta.ports.session_import import SessionImport
from rta.wire import SessionModel, read_session, write_session

__all__ = ["ImportedSession", "file_digest", "imported_identity", "lay_down_file"]

_SESSIONS = UUID(
    "8c8d7a2e-5f0b-4c7e-9d55-4f7b6f6c1f0e"
)  # the namespace of identities that are made of a file's content
_PIECE = 1 << 20  # bytes


@frozen
class ImportedSession:
    """A session that has been laid down."""

    identity: str
    identifier: str
    samples: int
    """Events included."""
    file: Path
    """Is gone when the archive has taken the session in."""


def file_digest(path: Path) -> str:
    """What is the same for the same content: 32 hexadecimal digits.

    :raises OSError: the file cannot be read.
    """
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()[:32]


def imported_identity(digest: str) -> str:
    """The identity of the session of a file: the same for the same content."""
    return str(uuid5(_SESSIONS, digest))


def lay_down_file(
    parts: Iterable[LoadedPart],
    said: dict[str, str],
    new_import: Callable[[str, ChannelTypes], SessionImport],
    progress: Callable[[int], None] = lambda samples: None,
) -> list[ImportedSession]:
    """Write all sessions of a file, and lay them down when the last one is complete.

    `parts`: what `Offer.load` gives. `said`: details of each session. `new_import`: begins to write the session of an
    identity, with channels of these types. `progress`: gets the number of samples so far.

    :raises RtaError: the file has no session, or cannot be read; nothing has been laid down.
    :raises ArchiveError: it cannot be written.
    """
    with ExitStack() as stack:
        written: list[tuple[SessionImport, SessionModel, int]] = []
        documents: dict[str, str] = {}
        current: SessionChunks | None = None
        json = ""
        samples = 0
        for part in parts:
            match part:
                case Publish(identifier, text):
                    documents[identifier] = text
                    if current is not None:
                        current.know(text)
                case OpenSession(_, json):
                    current = SessionChunks(stack.enter_context(tempfile.TemporaryFile()))
                    for text in documents.values():
                        current.know(text)
                case UpdateSession(_, json):
                    pass
                case SessionColumns():
                    assert current is not None
                    current.add(part)
                case SessionBurst(_, burst):
                    assert current is not None
                    current.feed(burst)
                case CloseSession(identity, json):
                    assert current is not None
                    target = new_import(identity, current.types)
                    stack.callback(target.discard)
                    for identifier, text in documents.items():
                        target.publish(identifier, text)
                    target.add(current.end())
                    model = read_session(json)
                    model.details = (model.details or {}) | said
                    written.append((target, model, current.samples))
                    samples += current.samples
                    current = None
            progress(samples + (current.samples if current is not None else 0))
        if not written:
            raise RtaError("no row can be used")
        return _laid_down(written)


def _laid_down(written: Sequence[tuple[SessionImport, SessionModel, int]]) -> list[ImportedSession]:
    """The first session comes last, as whether the file is in the archive is told by that one: what a crash leaves
    behind is written anew when the file is imported once more."""
    laid: list[ImportedSession] = []
    try:
        for target, model, count in reversed(written):
            path = target.finish(write_session(model), model.span)
            laid.append(ImportedSession(model.identity, model.identifier, count, path))
    except BaseException:
        for session in laid:
            session.file.unlink(missing_ok=True)
        raise
    return laid[::-1]
