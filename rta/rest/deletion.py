"""Recorded sessions are deleted. Source: docs/rest.md, "Deleting"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from rta.errors import MalformedError
from rta.large_json import inspect_large
from rta.node.node_stream import Initiator
from rta.ports import Archive, ArchivedSession, BurstLog, SessionRecord
from rta.ports.access import Subject
from rta.rest.guard import client_address
from rta.rest.problem import RequestProblem
from rta.rest.routing import segment
from rta.rest.signed_in import SUBJECT

__all__ = ["DeletionResource", "DeletionWitnesses", "NoteDeletion"]

NoteDeletion = Callable[[Initiator, str, str], None]
"""Keeps on record who wanted a session deleted, what came of it, and the session's identity."""

Records = Callable[[SessionRecord], Awaitable[bool]]


@frozen
class DeletionWitnesses:
    """Who is told of what is deleted."""

    note: NoteDeletion | None
    forgotten: Callable[[], None]
    """Called when the buffer has forgotten a session."""


class DeletionResource:
    """The endpoint."""

    def __init__(
        self, buffer: BurstLog, archive: Archive | None, records: Records, witnesses: DeletionWitnesses
    ) -> None:
        """`records`: whether a session of the buffer is going to be recorded, if it is not yet."""
        self._buffer = buffer
        self._archive = archive
        self._records = records
        self._witnesses = witnesses

    async def delete(self, request: Request) -> Response:
        """Delete a session, unless it is live or still being recorded.

        The buffer forgets it first. So nobody records it again, and if the archive fails, it can be asked again.
        """
        identity = segment(request.scope, "identity")
        record = await self._buffer.find(identity)
        if record is not None and await _may_go_on(record.json):
            raise self._refused(request, "it is live", identity, "is live: it can be deleted when it is closed")
        nothing = RequestProblem(404, f"nothing is recorded of a session {identity[:200]!r}")
        found = None if self._archive is None else await self._archive.find(identity)
        if self._archive is None or found is None:
            raise nothing
        if record is not None:
            if await self._is_being_recorded(record, found):
                raise self._refused(request, "it is being recorded", identity, "is still being recorded: try again")
            if not await self._buffer.forget(record) and await self._buffer.find(identity) is not None:
                raise self._refused(request, "it has changed", identity, "has just been written to: try again")
            self._witnesses.forgotten()
        if not await self._archive.delete(identity):
            raise nothing
        self._say(request, "ok", identity)
        return Response(status_code=204)

    async def _is_being_recorded(self, record: SessionRecord, found: ArchivedSession) -> bool:
        """Whether the archive has not got the end of the run that the buffer knows, and is going to have it."""
        if not await self._records(record):
            return False
        where = (record.stream, record.stream_session_id)
        known = any((run.stream, run.session_id) == where for run in found.runs)
        return not known or await _may_go_on(found.json)

    def _refused(self, request: Request, outcome: str, identity: str, why: str) -> RequestProblem:
        self._say(request, f"refused: {outcome}", identity)
        return RequestProblem(409, f"the session {identity[:200]!r} {why}")

    def _say(self, request: Request, outcome: str, identity: str) -> None:
        subject: Subject = request.scope[SUBJECT]
        if self._witnesses.note is not None:
            self._witnesses.note(Initiator("http", client_address(request.scope), subject.name), outcome, identity)


async def _may_go_on(json: str | None) -> bool:
    """Whether a session with this JSON is open, or nobody can tell."""
    try:
        return not json or not (await inspect_large(json)).state.is_closed
    except MalformedError:
        return True
