"""Recorded sessions are deleted. Source: docs/rest.md, "Deleting"."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from rta.errors import MalformedError
from rta.large_json import inspect_large
from rta.node.node_stream import Initiator
from rta.ports import Archive, BurstLog
from rta.ports.access import Subject
from rta.rest.guard import client_address
from rta.rest.problem import RequestProblem
from rta.rest.routing import segment
from rta.rest.signed_in import SUBJECT

__all__ = ["DeletionResource", "NoteDeletion"]

NoteDeletion = Callable[[Initiator, str, str], None]
"""Keeps on record who wanted a session deleted, what came of it, and the session's identity."""


class DeletionResource:
    """The endpoint."""

    def __init__(self, buffer: BurstLog, archive: Archive | None, note: NoteDeletion | None) -> None:
        self._buffer = buffer
        self._archive = archive
        self._note = note

    async def delete(self, request: Request) -> Response:
        """Delete a session, unless it is live."""
        identity = segment(request.scope, "identity")
        if await self._is_live(identity):
            self._say(request, "refused: it is live", identity)
            raise RequestProblem(409, f"the session {identity[:200]!r} is live: it can be deleted when it is closed")
        if self._archive is None or not await self._archive.delete(identity):
            raise RequestProblem(404, f"nothing is recorded of a session {identity[:200]!r}")
        self._say(request, "ok", identity)
        return Response(status_code=204)

    async def _is_live(self, identity: str) -> bool:
        record = await self._buffer.find(identity)
        if record is None:
            return False
        try:
            return record.json is None or not (await inspect_large(record.json)).state.is_closed
        except MalformedError:
            return True

    def _say(self, request: Request, outcome: str, identity: str) -> None:
        subject: Subject = request.scope[SUBJECT]
        if self._note is not None:
            self._note(Initiator("http", client_address(request.scope), subject.name), outcome, identity)
