"""Entity tags of what is made of a recorded session: it stays the same as long as the session does."""

from __future__ import annotations

import hashlib

from rta.ports import Archive, ArchivedSession

__all__ = ["sealed_tag", "tag_of_unchanged"]


def sealed_tag(session: ArchivedSession, what: object) -> str | None:
    """The strong tag of an answer; `what`: is asked for. None: the session is not sealed."""
    if not session.sealed:
        return None
    said = f"{session.identity}\n{session.version}\n{what!r}"
    return f'"{hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]}"'


async def tag_of_unchanged(archive: Archive, session: ArchivedSession, tag: str | None) -> str | None:
    """The tag, once the reading has begun; None if the session has changed since it was found.

    :raises ArchiveError: the archive cannot be read.
    """
    if tag is None:
        return None
    now = await archive.find(session.identity)
    return tag if now is not None and now.version == session.version else None
