"""Sessions that were recorded as open, and that nobody goes on with: their JSON in the archive is marked abandoned.

A session that the buffer still knows is never touched, nor one of which entries still come. It must have been gone for
a while, since a buffer on another machine may be about to come back with all it had.
"""

from __future__ import annotations

import structlog
import trio

from rta.actors.recorder_roster import Roster, RosterRun
from rta.errors import MalformedError
from rta.large_json import read_large
from rta.ports import Archive, BurstLog
from rta.session_query import Comparison, Not, Operator, SessionQuery
from rta.wire import SessionState
from rta.wire.json_slot import find_json_slot
from rta.wire.json_text import SESSION_LIMITS, parse_json
from rta.wire.session_json import inspect_session

__all__ = ["UnfinishedSessions", "mark_abandoned"]

log = structlog.get_logger("rta.recorder")

_GONE = 60.0  # seconds in which a buffer that others share must have said nothing of it
_CLOSED = tuple(state.name.lower() for state in SessionState if state.is_closed)


def mark_abandoned(text: str) -> str | None:
    """A session JSON with the state set to abandoned, all else as it was written; None: it is closed.

    :raises MalformedError: it is no JSON object.
    """
    if inspect_session(text).state.is_closed:
        return None
    if not isinstance(parse_json(text, "session JSON", SESSION_LIMITS), dict):
        raise MalformedError("json", "session JSON is no object")
    return find_json_slot(text, "state").fill(text, '"abandoned"')


class UnfinishedSessions:
    """Those of the archive."""

    def __init__(self, archive: Archive, buffer: BurstLog, roster: Roster) -> None:
        self._archive = archive
        self._roster = roster
        self._patience = _GONE if buffer.shared else 0.0
        self._loaded = False
        self._gone_since: dict[RosterRun, float] = {}
        """Since when the buffer has not known them, Trio time."""

    async def load(self) -> None:
        """Let the roster know, once, what was recorded as open: entries of it may still come.

        :raises ArchiveError: the archive cannot be read.
        """
        if self._loaded:
            return
        query = SessionQuery(Not(Comparison("state", Operator.IN, _CLOSED)), top_level=False)
        for listed in await self._archive.sessions(query):
            session = await self._archive.find(listed.identity)
            if session is not None and session.runs:
                recorded = session.runs[-1]
                run = self._roster.find_run(session.identity, recorded)
                run.start, run.json = recorded.start, session.json
                run.selected = run.met = run.recorded = True
        self._loaded = True

    async def mark(self) -> None:
        """Mark those that have been gone for long enough.

        :raises ArchiveError: the archive cannot be read or written.
        :raises TransportError: the buffer cannot be read.
        """
        now = trio.current_time()
        gone = [run for run in self._roster.runs() if run.recorded and not run.closed and not self._goes_on(run)]
        self._gone_since = {run: self._gone_since.get(run, now) for run in gone}
        for run, since in list(self._gone_since.items()):
            if now - max(since, run.heard_at) >= self._patience:
                await self._finish(run)

    def _goes_on(self, run: RosterRun) -> bool:
        """Whether the buffer knows the run, or another one of its session that has said what it is."""
        record = self._roster.records.get(run.identity)
        return record is not None and (run.is_run(record) or record.json is not None)

    async def _finish(self, run: RosterRun) -> None:
        await self._roster.find(run.identity)  # the list may be old
        if self._goes_on(run):
            return
        session = await self._archive.find(run.identity)
        if session is not None:
            try:
                marked = await read_large(mark_abandoned, session.json)
            except MalformedError:
                marked = None
            if marked is not None:
                await self._archive.describe(run.identity, marked)
                run.json = marked
                log.info("a session that nobody goes on with is marked as abandoned", identity=run.identity)
        run.closed = True
