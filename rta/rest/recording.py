"""What is recorded of a session, run by run, and the entries of a run. Source: docs/rest.md, "Recording", "Entries"."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rta.ports import ArchivedSession, Hole, Position, RecordedEntries, RecordedRun
from rta.rest.body import json_response
from rta.rest.connected import run_while_connected
from rta.rest.guard import client_address
from rta.rest.negotiation import check_accepted
from rta.rest.packed_entries import ENTRIES, batch_headers, pack_entries
from rta.rest.parameters import flush_point_of, number_of, single
from rta.rest.problem import RequestProblem
from rta.rest.routing import segment
from rta.rest.turns import AnswerTurns
from rta.wire import TimeRange

__all__ = ["EntriesResource", "RecordingResource", "read_recording"]

_USUAL, _MOST = 1 << 20, 4 << 20  # bytes of bursts, unpacked
_END = Position((1 << 64) - 1, (1 << 64) - 1)


class RecordingResource:
    """The ASGI application that says what is recorded of a session."""

    def __init__(self, archive: RecordedEntries | None) -> None:
        self._archive = archive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity, is_told = segment(scope, "identity"), _tells_absence(QueryParams(scope["query_string"]))
        found = None if self._archive is None else await self._archive.find(identity)
        if found is None and not is_told:
            raise RequestProblem(404, f"nothing is recorded of a session {identity[:200]!r}")
        await json_response(found and _written(found), headers={"cache-control": "no-store"})(scope, receive, send)


class EntriesResource:
    """The ASGI application of entries."""

    def __init__(self, archive: RecordedEntries | None, turns: AnswerTurns) -> None:
        self._archive = archive
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = QueryParams(scope["query_string"])
        check_accepted(Headers(scope=scope), ENTRIES)
        after = flush_point_of(query, "after")
        if after is None:
            raise RequestProblem(400, "after: expected a flush point, behind which the entries are wanted", "after")
        upto, size = _position(query), number_of(query, "bytes", _MOST, 1) or _USUAL

        async def answer() -> None:
            async with self._turns.turn(client_address(scope)) as turn:
                if self._archive is None:
                    raise RequestProblem(404, "this site has no archive")
                batch = await self._archive.read_entries(after, upto, size)
                headers = {"cache-control": "no-store", **batch_headers(batch)}
                await Response(pack_entries(batch), headers=headers, media_type=ENTRIES)(
                    scope, receive, turn.watched(send)
                )

        await run_while_connected(receive, answer)


def _tells_absence(query: QueryParams) -> bool:
    text = single(query, "absent")
    if text not in (None, "null"):
        raise RequestProblem(400, f"absent={text[:40]!r}: expected null", "absent")
    return text is not None


def _position(query: QueryParams) -> Position:
    text = single(query, "upto")
    try:
        return _END if text is None else Position.parse(text)
    except ValueError as e:
        raise RequestProblem(400, f"upto: {str(e)[:200]}", "upto") from None


# ---- the document: positions and flush points are texts; times too, since JavaScript would round them


def _written(session: ArchivedSession) -> dict[str, Any]:
    span = session.span
    return {
        "identity": session.identity,
        "sealed": session.sealed,
        "version": session.version,
        "bytes": session.size,
        "timeRange": None if span is None else {"startTime": str(span.start), "endTime": str(span.end)},
        "flushPoint": None if session.flush_point is None else str(session.flush_point),
        "runs": [_written_run(run) for run in session.runs],
        "json": session.json,
    }


def _written_run(run: RecordedRun) -> dict[str, Any]:
    return {
        "stream": run.stream,
        "sessionId": str(run.session_id),
        "start": str(run.start),
        "upto": str(run.upto),
        "heldFrom": str(run.held_from),
        "holes": [{"after": str(hole.after), "upto": str(hole.upto), "reason": hole.reason} for hole in run.holes],
    }


def read_recording(document: Any) -> ArchivedSession:
    """The session of a document.

    :raises ValueError: it is none.
    """
    try:
        span = document["timeRange"]
        return ArchivedSession(
            str(document["identity"]),
            str(document["json"]),
            None if span is None else TimeRange(int(span["startTime"]), int(span["endTime"])),
            bool(document["sealed"]),
            str(document["version"]),
            int(document["bytes"]),
            tuple(map(_read_run, document["runs"])),
        )
    except (KeyError, TypeError) as e:
        raise ValueError(f"it does not say what is recorded of a session: {e!r}") from None


def _read_run(document: Any) -> RecordedRun:
    start, upto, held_from = (Position.parse(document[key]) for key in ("start", "upto", "heldFrom"))
    holes = tuple(
        Hole(Position.parse(h["after"]), Position.parse(h["upto"]), str(h["reason"])) for h in document["holes"]
    )
    return RecordedRun(str(document["stream"]), int(document["sessionId"]), start, upto, held_from, holes)
