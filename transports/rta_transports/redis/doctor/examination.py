"""The order of an examination: can it be reached, is it fit, what is in it, what is wrong with whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rta.formatting import counted, shown_url
from rta.ports import Context, Finding, TransportError
from rta.wire import SizeLimits
from rta_transports.redis.connection import ServerError
from rta_transports.redis.directory import Directory
from rta_transports.redis.doctor import between_sessions
from rta_transports.redis.doctor.condition import SETTINGS, judge_clock, judge_server, read_info
from rta_transports.redis.doctor.layouts import find_layouts, judge_empty, judge_layouts
from rta_transports.redis.doctor.session_findings import Surroundings, judge_session
from rta_transports.redis.doctor.sessions import SessionFacts, Traces, find_traces, read_session_at, read_sessions
from rta_transports.redis.doctor.streams import (
    StreamFacts,
    judge_entries,
    judge_set,
    judge_streams,
    read_streams,
    sample,
    sample_of,
    table,
)
from rta_transports.redis.doctor.survey import Survey, scan_keys
from rta_transports.redis.doctor.unreachable import why_unreachable
from rta_transports.redis.doctor.verdict import unknown_session, verdict
from rta_transports.redis.keys import SESSION_COUNTER, STREAMS, Keys
from rta_transports.redis.options import RedisLogOptions, url_parts
from rta_transports.redis.server import Server, good

__all__ = ["examine"]

_MOST_STREAMS = 500
_ALIKE = 20
"""Findings of one kind that are told."""
_CLOSER = 20
"""Streams and sessions that are looked into: those written last."""

_NOT_WHAT_WAS_MEANT = ("role.sentinel", "role.cluster", "version.no-streams")
"""Findings after which all else would be refused."""


async def examine(
    options: RedisLogOptions, context: Context, identity: str | None, back_scan: float | None
) -> list[Finding]:
    """Everything there is to say. Nothing is changed. `back_scan`: seconds of the end of a session that a new client
    gets; None: all there is."""
    found: list[Finding] = []
    try:
        server = Server(options, context.folder)
    except TransportError as e:
        found.append(Finding.problem("reach.options", "what is configured cannot be used", str(e)))
    else:
        try:
            await _Examination(server, options, context, found, back_scan).run(identity)
        except TransportError as e:
            found.append(why_unreachable(shown_url(options.url), str(e)))
        finally:
            server.close()
    if identity is not None:
        found.append(verdict(identity, found))
    return _shortened(found)


def _shortened(found: Iterable[Finding]) -> list[Finding]:
    """The first findings of each kind, and how many more of it there are."""
    kept: list[Finding] = []
    times: Counter[str] = Counter()
    for finding in found:
        times[finding.code] += 1
        if times[finding.code] <= _ALIKE:
            kept.append(finding)
    return kept + [
        Finding.note(f"{code}.more", f"{counted(n - _ALIKE, 'more finding')} of the kind {code}")
        for code, n in times.items()
        if n > _ALIKE
    ]


class _Examination:
    """Adds to `found` as it goes, so that what was found before Redis failed is not lost."""

    def __init__(
        self,
        server: Server,
        options: RedisLogOptions,
        context: Context,
        found: list[Finding],
        back_scan: float | None,
    ) -> None:
        self._server = server
        self._options = options
        self._context = context
        self._found = found
        self._back_scan_ms = None if back_scan is None else int(back_scan * 1000)
        self._keys = Keys(options.session_key)
        self._directory = Directory(server, self._keys)
        self._limits = SizeLimits()
        self._info: dict[str, str] = {}
        self._now = 0

    async def run(self, identity: str | None) -> None:
        """:raises TransportError: Redis does not answer, or forbids something."""
        await self._server.ask_one(None, "PING")
        self._found.append(Finding.ok("reach", f"Redis answers at {shown_url(self._options.url)}"))
        await self._examine_server()
        if any(f.code in _NOT_WHAT_WAS_MEANT for f in self._found):
            return
        await self._examine_clock()
        survey = await scan_keys(self._server, self._keys)
        sessions = await read_sessions(self._server, self._keys, survey.sessions)
        if identity is None:
            await self._examine_everything(survey, sessions)
        else:
            await self._examine_session(identity, survey, sessions)

    # ---- the server

    async def _examine_server(self) -> None:
        for address in await self._server.primaries():
            settings: dict[str, str | None] = {}
            info, *answers = await self._server.ask_at(
                address, ("INFO",), *[("CONFIG", "GET", name) for name in SETTINGS]
            )
            for name, answer in zip(SETTINGS, answers, strict=True):
                known = isinstance(answer, list) and len(answer) == 2
                settings[name] = answer[1].decode("utf-8", "replace") if known else None
            if isinstance(info, ServerError):
                self._found.append(Finding.note("info.forbidden", f"we may not look at the server itself ({info})"))
                continue
            self._info = read_info(info)
            self._found += judge_server(self._info, settings, self._options.mode)

    async def _examine_clock(self) -> None:
        before = self._context.clock()
        seconds, micros = await self._server.ask_one(None, "TIME")
        after = self._context.clock()
        self._now = int(seconds) * 1000 + int(micros) // 1000
        self._found += judge_clock(int(seconds) * 10**9 + int(micros) * 1000, before, after)

    # ---- all there is

    async def _examine_everything(self, survey: Survey, sessions: list[SessionFacts]) -> None:
        patterns = await find_layouts(self._server, survey)
        self._found += judge_layouts(patterns, self._options.session_key, survey, sessions)
        names = await self._names()
        if not survey.sessions and not patterns and not survey.streams:
            database = url_parts(self._options.url).get("db", 0)
            self._found += judge_empty(self._info, database, self._options.session_key, survey)
        streams, more = await self._streams(names, survey, sessions)
        self._found += judge_set(names, streams, more)
        self._found += judge_streams(streams.values(), self._options.max_entries, self._now)
        latest = sorted((s for s in streams.values() if s.last_ms), key=lambda s: -s.last_ms)[:_CLOSER]
        for name, entries in (await sample(self._directory, [s.name for s in latest])).items():
            self._found += judge_entries(name, entries, self._limits)
        for i, session in enumerate(sessions):
            traces = await self._traces(session, streams) if i < _CLOSER else None
            self._found += judge_session(session, Surroundings(streams, self._now, traces))
        self._found += between_sessions.shared_ids(sessions)
        counter = await self._server.ask_one(SESSION_COUNTER, "GET", SESSION_COUNTER)
        self._found += between_sessions.judge_counter(counter, sessions)
        self._found += between_sessions.judge_expiry(sessions)
        self._found.append(table(streams.values(), names, self._now))
        self._found.append(between_sessions.table(sessions, len(survey.sessions), self._now))

    async def _names(self) -> list[str]:
        (kind,) = await self._server.ask(STREAMS, ("TYPE", STREAMS))
        if good(kind) in (b"set", b"none"):
            return await self._directory.streams()
        self._found.append(
            Finding.problem(
                "streams.type",
                f"the key {STREAMS.decode()} is a {kind.decode()}, not a set",
                "It is to hold the names of all streams, for trimming.",
                "Remove or rename it, and find out who wrote it.",
            )
        )
        return []

    async def _streams(
        self, names: Iterable[str], survey: Survey, sessions: Iterable[SessionFacts]
    ) -> tuple[dict[str, StreamFacts], int]:
        """What there is of streams, and how many were not looked at."""
        named = dict.fromkeys([*(s.stream for s in sessions if s.stream), *names, *survey.streams])
        streams = await read_streams(self._directory, list(named)[:_MOST_STREAMS])
        return streams, max(0, len(named) - _MOST_STREAMS)

    async def _traces(self, session: SessionFacts, streams: dict[str, StreamFacts]) -> Traces | None:
        if session.stream is None or session.id is None:
            return None
        facts = streams.get(session.stream)
        if facts is None or facts.edges is None:
            return None
        return await find_traces(self._server, session.stream, session.id)

    # ---- one session

    async def _examine_session(self, identity: str, survey: Survey, sessions: list[SessionFacts]) -> None:
        session = await read_session_at(self._server, self._keys, identity)
        if session is None:
            patterns = await find_layouts(self._server, survey)
            self._found += judge_layouts(patterns, self._options.session_key, survey, sessions)
            key = self._keys.session(identity).decode("utf-8", "replace")
            self._found.append(unknown_session(identity, key, [s.identity for s in sessions]))
            return
        streams: dict[str, StreamFacts] = {}
        traces: Traces | None = None
        if session.stream:
            streams = await read_streams(self._directory, [session.stream])
            self._found += judge_streams(streams.values(), self._options.max_entries, self._now)
            traces = await self._traces(session, streams)
        around = Surroundings(streams, self._now, traces, asked_for=True, back_scan_ms=self._back_scan_ms)
        self._found += judge_session(session, around)
        if session.stream and session.id is not None and traces is not None and traces.last is not None:
            entries = await sample_of(self._directory, session.stream, session.id, traces.last)
            self._found += judge_entries(session.stream, entries, self._limits)
        others = [s for s in sessions if s.identity != identity and s.id == session.id]
        self._found += between_sessions.shared_ids([session, *others])
        self._found.append(between_sessions.table([session], 1, self._now))
