"""Where sessions are if not where `session_key` says: hashes that look like sessions, and the pattern of their keys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rta.formatting import counted
from rta.ports import Finding
from rta.wire import glance
from rta_transports.redis.directory import in_batches
from rta_transports.redis.doctor.sessions import SessionFacts
from rta_transports.redis.doctor.survey import Survey
from rta_transports.redis.doctor.wording import quoted
from rta_transports.redis.keys import text
from rta_transports.redis.server import Server, good
from rta_transports.redis.topology import ServerAddress

__all__ = ["find_layouts", "judge_empty", "judge_layouts", "misread_keys", "pattern_of"]

_TELLING = ("streamSessionId", "streamName", "streamPosition")
_MOST_NAMED = 200
"""Hashes of which the JSON is read, to learn which part of the key is the identity."""
_MOST_JSON = 1 << 20

_GUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_PLACEHOLDER = "<identity>"


async def find_layouts(server: Server, survey: Survey) -> Counter[str]:
    """Patterns of keys, as `session_key` takes them, and how many hashes each has."""
    alike: dict[bytes, ServerAddress] = {}
    for batch in in_batches(survey.hashes.items(), 500):
        alike |= await _session_like(server, dict(batch))
    identities: dict[bytes, str | None] = {}
    for key, address in list(alike.items())[:_MOST_NAMED]:
        size, json = await server.ask_at(address, ("HSTRLEN", key, "json"), ("HGET", key, "json"))
        if isinstance(json, bytes) and good(size) <= _MOST_JSON:
            identities[key] = glance(json.decode("utf-8", "replace")).identity
    return Counter(pattern_of(text(key), identities.get(key)) for key in alike)


async def _session_like(server: Server, hashes: Mapping[bytes, ServerAddress]) -> dict[bytes, ServerAddress]:
    by_address: dict[ServerAddress, list[bytes]] = {}
    for key, address in hashes.items():
        by_address.setdefault(address, []).append(key)
    found: dict[bytes, ServerAddress] = {}
    for address, keys in by_address.items():
        replies = await server.ask_at(address, *[("HMGET", key, *_TELLING) for key in keys])
        for key, reply in zip(keys, replies, strict=True):
            if isinstance(reply, list) and sum(value is not None for value in reply) >= 2:
                found[key] = address
    return found


def misread_keys(sessions: Iterable[SessionFacts], configured: str) -> Counter[str]:
    """Other patterns, where by the configured one every identity comes out otherwise than its JSON has it.

    `sessions:live:<identity>` is like `sessions:<identity>`, too, and so is one whose writer took the brackets along.
    """
    patterns: Counter[str] = Counter()
    for session in sessions:
        identity = None if session.json is None else glance(session.json.decode("utf-8", "replace")).identity
        if identity == session.identity:
            return Counter()
        if identity and identity in session.key:
            patterns[pattern_of(session.key, identity)] += 1
    patterns.pop(configured, None)
    return patterns


def pattern_of(key: str, identity: str | None) -> str:
    """The key with the identity left open; without knowing it, the part that looks like one."""
    if identity and identity in key:
        before, _, after = key.rpartition(identity)
        return f"{before}{_PLACEHOLDER}{after}"
    guids = list(_GUID.finditer(key))
    if guids:
        return key[: guids[-1].start()] + _PLACEHOLDER + key[guids[-1].end() :]
    separators = [key.rfind(s) for s in ":/_."]
    return key[: max(separators) + 1] + _PLACEHOLDER


def judge_layouts(
    patterns: Counter[str], configured: str, survey: Survey, sessions: Sequence[SessionFacts]
) -> Iterator[Finding]:
    """What the patterns mean, given what the configured one found."""
    if not survey.complete:
        yield Finding.note(
            "keys.many",
            f"{survey.looked_at} of {survey.total} keys were looked at",
            "There may be sessions and streams among the others. Many keys of other programs also make it slow to list "
            "sessions, since Redis has to go through all keys.",
            "Give telemetry a Redis, or at least a database, of its own.",
        )
    misread = misread_keys(sessions, configured)
    patterns = misread or patterns
    usable = [(pattern, n) for pattern, n in patterns.most_common() if pattern.count(_PLACEHOLDER) == 1]
    rows = (("key", "hashes"), *[(pattern, str(n)) for pattern, n in usable[:10]])
    if usable and (misread or not survey.sessions):
        best, number = usable[0]
        yield Finding.problem(
            "keys.session-key",
            f"sessions have other keys here than {quoted(configured)}",
            f"No session is found by it, but {counted(number, 'hash', 'hashes')} with the fields of a session "
            f"{'is' if number == 1 else 'are'} called {quoted(best)}.",
            f'Set session_key = "{best}" in [buffer], or RTA_BUFFER__SESSION_KEY.',
            rows,
        )
    elif usable:
        yield Finding.note(
            "keys.other-sessions",
            "there are hashes that look like sessions under other keys too",
            f"They are not streamed: session_key is {quoted(configured)}.",
            "If they are the ones that are wanted, set session_key in [buffer].",
            rows,
        )
    elif survey.sessions:
        number = len(survey.sessions)
        yield Finding.ok("keys", f"{counted(number, 'session')} under {quoted(configured)}")


def judge_empty(info: Mapping[str, str], database: int, configured: str, survey: Survey) -> Iterator[Finding]:
    """Neither sessions nor streams; `info`: of `INFO`, which tells what other databases there are."""
    if b"sessions" in survey.hashes:
        yield Finding.warning(
            "keys.one-hash",
            "there is one hash called sessions, and no hash for each session",
            f"The ingest processes lay sessions out otherwise: we read one hash for each, {quoted(configured)}.",
            "Look at what writes it (HSCAN sessions 0), and have it write one hash for each session.",
        )
    others = [name for name in info if re.fullmatch(r"db\d+", name) and name != f"db{database}"]
    if others and not survey.total:
        yield Finding.warning(
            "keys.other-database",
            f"database {database} is empty; there are keys in {', '.join(others)}",
            "Perhaps the ingest processes write to another database than the one we read.",
            f"End buffer.url with the number of theirs, as in /{others[0].removeprefix('db')}.",
        )
    else:
        yield Finding.note(
            "keys.none",
            f"there are no sessions and no streams among the {counted(survey.total, 'key')} of this database",
            "No ingest process has written here yet, or they write elsewhere.",
            "Compare the address and the database of the ingest processes with buffer.url.",
        )
