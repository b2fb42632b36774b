"""The pruner's half in Redis: trimming, forgetting what is long dead, marking sessions that nobody writes any more.

Any number of processes may do it at the same time: every change compares with what it was judged by.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
import trio
from attrs import frozen

from rta.errors import MalformedError
from rta.large_json import read_large
from rta.ports import Reporter, Trim
from rta.wire import SessionState, json_item, make_burst, read_session, write_session
from rta.wire.session_json import glance
from rta_transports.redis.connection import Reply, ServerError
from rta_transports.redis.directory import Directory, in_batches
from rta_transports.redis.keys import STREAMS, Keys, encoded, text
from rta_transports.redis.losses import Edges
from rta_transports.redis.options import RedisLogOptions
from rta_transports.redis.scripts import ABANDON, BURY, EDGES, FORGET, HEARD_OF, RESTORE
from rta_transports.redis.server import Server, good

__all__ = ["Upkeep"]

log = structlog.get_logger("rta.redis")

_SKEW_MS = 3_600_000  # how wrong the clocks of other writers may be
_AT_ONCE = 1000  # streams that are judged without others having a turn
_LATEST = 1000  # latest entries of a stream looked at for a session's id


@frozen
class _Session:
    """What upkeep needs of a session's hash."""

    identity: str
    id: bytes
    stream: str
    last_updated: int
    ours: bool
    marked: bool
    """We have marked it abandoned."""

    FIELDS = ("streamSessionId", "streamName", "lastUpdated", "rtaWriter", "rtaAbandoned")


class Upkeep:
    """One round at a time."""

    def __init__(self, server: Server, directory: Directory, options: RedisLogOptions, report: Reporter) -> None:
        self._server = server
        self._directory = directory
        self._options = options
        self._report = report
        self._minid = True
        """Whether this Redis can trim by age."""

    async def round(self, keep: Trim, now: int) -> int:
        """Trim and clean up; how many entries went. `now`: ms since the Unix epoch, by Redis' clock."""
        sessions = await self._sessions()
        streams = set(await self._directory.streams())
        streams |= await self._add_back({s.stream for s in sessions} - streams)
        trimmed = 0
        for names in in_batches(streams, _AT_ONCE):
            trimmed += await self._trim(names, keep, now)
        await self._watch(sessions, now)
        if keep.session_ttl_ms is not None:
            await self._forget(sessions, streams, now - keep.session_ttl_ms)
        return trimmed

    async def _sessions(self) -> list[_Session]:
        found = []
        for identity, reply in await self._directory.ask_each("HMGET", *_Session.FIELDS):
            if isinstance(reply, ServerError):
                self._report.malformed(f"session {identity!r}", "session", str(reply))
                continue
            session_id, stream, updated, writer, marked = reply
            if session_id and stream:
                last = int(updated) if updated and updated.isdigit() and len(updated) < 16 else 0
                found.append(_Session(identity, session_id, text(stream), last, bool(writer), marked is not None))
        return found

    # ---- streams

    async def _add_back(self, unlisted: set[str]) -> set[str]:
        """Streams that sessions name but the set of streams lacks would never be trimmed."""
        added = {n for n, kind in await self._directory.ask_streams(unlisted, "TYPE", Keys.stream) if kind == b"stream"}
        if added:
            await self._server.ask_one(STREAMS, "SADD", STREAMS, *[encoded(n) for n in added])
            log.info("streams were missing in the set of streams", streams=sorted(added))
        return added

    async def _trim(self, streams: Iterable[str], keep: Trim, now: int) -> int:
        how = "~" if self._options.approximate else "="
        entries = keep.max_entries if keep.max_entries is not None else self._options.max_entries
        own_age = None if self._options.max_age is None else int(self._options.max_age * 1000)
        age = keep.max_age_ms if keep.max_age_ms is not None else own_age
        trimmed = 0
        if entries is not None:
            trimmed += self._count(
                await self._directory.ask_streams(streams, "XTRIM", Keys.stream, "MAXLEN", how, entries)
            )
        if age is not None and self._minid:
            replies = await self._directory.ask_streams(streams, "XTRIM", Keys.stream, "MINID", how, max(now - age, 0))
            if any(isinstance(r, ServerError) and "syntax" in str(r) for _, r in replies):
                self._minid = False
                log.warning("this Redis (before 6.2) cannot trim by age; streams are trimmed by length only")
            else:
                trimmed += self._count(replies)
        return trimmed

    def _count(self, replies: Iterable[tuple[str, Reply]]) -> int:
        trimmed = 0
        for stream, reply in replies:
            if isinstance(reply, ServerError) and reply.code == "WRONGTYPE":
                self._report.malformed(f"stream {stream!r}", "stream", "its key is not a stream")
            else:
                trimmed += good(reply)
        return trimmed

    # ---- sessions that nobody writes any more

    async def _watch(self, sessions: Iterable[_Session], now: int) -> None:
        limit = self._options.abandon_after
        if limit is None:
            return
        before = now - int(limit * 1000)
        for session in sessions:
            if session.marked:
                await self._restore_if_alive(session)
            elif session.last_updated < before and (session.ours or self._options.abandon_others):
                await self._abandon_if_dead(session, before)

    async def _abandon_if_dead(self, session: _Session, before: int) -> None:
        key = self._directory.keys.session(session.identity)
        session_id, updated, json = await self._server.ask_one(
            key, "HMGET", key, "streamSessionId", "lastUpdated", "json"
        )
        if json is None or session_id != session.id:
            return
        try:
            marked = await read_large(_abandoned, json.decode("utf-8", "replace"))
        except MalformedError as e:
            self._report.malformed(f"session {session.identity!r}", e.kind, str(e))
            return
        if marked is None or await self._heard_of(session, f"{before}-0"):
            return
        if await self._server.ask_one(key, "EVAL", ABANDON, 1, key, session.id, updated or b"", json, marked):
            at = await self._tell(session, marked)
            await self._server.ask_one(key, "HSET", key, "rtaAbandonedAt", at)
            log.warning("session abandoned", identity=session.identity, stream=session.stream)

    async def _restore_if_alive(self, session: _Session) -> None:
        key = self._directory.keys.session(session.identity)
        (at,) = await self._server.ask_one(key, "HMGET", key, "rtaAbandonedAt")
        if at is None or not await self._heard_of(session, "(" + at.decode("ascii", "replace")):
            return
        json = await self._server.ask_one(key, "EVAL", RESTORE, 1, key, session.id)
        if json:
            await self._tell(session, json.decode("utf-8", "replace"))
            log.info("session is written again", identity=session.identity, stream=session.stream)

    async def _heard_of(self, session: _Session, since: str) -> bool:
        """Whether an entry of the session has come since then."""
        key = Keys.stream(session.stream)
        return bool(await self._server.ask_one(key, "EVAL", HEARD_OF, 1, key, session.id, since, _LATEST))

    async def _tell(self, session: _Session, json: str) -> bytes:
        key = Keys.stream(session.stream)
        data = make_burst([json_item(json)]).packed
        position: bytes = await self._server.ask_one(key, "XADD", key, "*", "id", session.id, "data", data)
        return position

    # ---- what is long dead

    async def _forget(self, sessions: Iterable[_Session], streams: Iterable[str], before: int) -> None:
        edges = {}
        for names in in_batches(streams, _AT_ONCE):
            for name, reply in await self._directory.ask_streams(names, "EVAL", EDGES, 1, Keys.stream):
                if not isinstance(reply, ServerError):
                    edges[name] = Edges.read(reply)
        kept = set()
        for session in sessions:
            if session.last_updated >= before or self._may_have_entries(session, edges.get(session.stream)):
                kept.add(session.stream)
                continue
            key = self._directory.keys.session(session.identity)
            if await self._server.ask_one(key, "EVAL", FORGET, 1, key, session.id, before):
                log.info("session forgotten", identity=session.identity)
        for place, (name, ends) in enumerate(edges.items()):
            if not place % _AT_ONCE:
                await trio.lowlevel.checkpoint()
            if not ends.length and name not in kept and ends.last.ms < before:
                key = Keys.stream(name)
                if await self._server.ask_one(key, "EVAL", BURY, 1, key):
                    await self._server.ask_one(STREAMS, "SREM", STREAMS, encoded(name))

    @staticmethod
    def _may_have_entries(session: _Session, edges: Edges | None) -> bool:
        """Its last entry came when it was last updated, by Redis' clock if we wrote it, by its writer's otherwise."""
        if edges is None or edges.first is None:
            return False
        return edges.first.ms <= session.last_updated + (0 if session.ours else _SKEW_MS)


def _abandoned(text: str) -> str | None:
    """A session JSON with the state set to abandoned; None: it is closed.

    :raises MalformedError: it cannot be written again.
    """
    if glance(text).state.is_closed:
        return None
    model = read_session(text)
    model.state = SessionState.ABANDONED
    return write_session(model)
