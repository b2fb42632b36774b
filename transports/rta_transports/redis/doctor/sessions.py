"""What the sessions' hashes hold, read with bounded work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from rta.ports import Position
from rta.wire import JSON_LIMIT
from rta_transports.redis.connection import Reply, ServerError
from rta_transports.redis.directory import in_batches
from rta_transports.redis.keys import Keys, text
from rta_transports.redis.server import Server, good
from rta_transports.redis.topology import ServerAddress

__all__ = ["MOST_SESSIONS", "SessionFacts", "Traces", "find_traces", "read_session_at", "read_sessions"]

MOST_SESSIONS = 2000

_FIELDS = ("streamSessionId", "streamName", "streamPosition", "lastUpdated", "tStart", "tEnd")
_SMALL_JSON = 64 << 10
_LATEST = 1000

# KEYS: stream. ARGV: id, how many entries to look at. The last entry with that id, or ''; how many were looked at,
# and other ids among them.
_TRACES = """
local upto, looked, others, seen = '+', 0, {}, {}
while looked < tonumber(ARGV[2]) do
  local page = redis.call('XREVRANGE', KEYS[1], upto, '-', 'COUNT', 50)
  for i = 1, #page do
    looked = looked + 1
    local fields = page[i][2]
    for j = 1, #fields, 2 do
      if fields[j] == 'id' then
        if fields[j + 1] == ARGV[1] then return {page[i][1], looked, others} end
        if not seen[fields[j + 1]] and #others < 5 then
          seen[fields[j + 1]] = true
          others[#others + 1] = fields[j + 1]
        end
      end
    end
  end
  if #page < 50 then break end
  local ms, seq = string.match(page[50][1], '^(%d+)-(%d+)$')
  if seq == '0' then upto = string.format('%.0f', ms - 1)
  else upto = ms .. '-' .. string.format('%.0f', seq - 1) end
end
return {'', looked, others}
"""


@frozen
class SessionFacts:
    """One hash."""

    identity: str
    key: str
    is_hash: bool
    fields: Mapping[str, bytes]
    """Those that are there, without `json`."""
    json_size: int
    """0: there is none."""
    json: bytes | None
    """None: there is none, or it was too long to be read."""
    ttl_ms: int
    """Negative: it does not expire."""

    @property
    def id(self) -> int | None:
        return _integer(self.fields.get("streamSessionId"))

    @property
    def stream(self) -> str | None:
        name = self.fields.get("streamName")
        return text(name) if name else None

    @property
    def last_updated(self) -> int | None:
        """ms since the Unix epoch, by the clock of whoever wrote it."""
        return _integer(self.fields.get("lastUpdated"))

    @property
    def position(self) -> Position | None:
        """None: not there, or not one."""
        try:
            return Position.parse(self.fields.get("streamPosition", b"").decode("ascii", "replace"))
        except ValueError:
            return None


@frozen
class Traces:
    """What the end of a stream has of a session."""

    last: Position | None
    looked_at: int
    others: list[str]
    """Some other ids."""


def _integer(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) <= 20 else None


async def read_sessions(server: Server, keys: Keys, found: Mapping[bytes, ServerAddress]) -> list[SessionFacts]:
    """Those last updated first; at most `MOST_SESSIONS`."""
    by_address: dict[ServerAddress, list[bytes]] = {}
    for key, address in list(found.items())[:MOST_SESSIONS]:
        by_address.setdefault(address, []).append(key)
    facts: list[SessionFacts] = []
    for address, there in by_address.items():
        for batch in in_batches(there, 50):
            facts += _facts(keys, batch, await server.ask_at(address, *_questions(batch, _SMALL_JSON)))
    return sorted(facts, key=lambda s: s.last_updated or 0, reverse=True)


async def read_session_at(server: Server, keys: Keys, identity: str) -> SessionFacts | None:
    """One session, its JSON included unless it is beyond all bounds; None: there is no such key."""
    key = keys.session(identity)
    (there,) = await server.ask(key, ("EXISTS", key))
    if not good(there):
        return None
    replies = await server.ask(key, *_questions([key], JSON_LIMIT))
    (facts,) = _facts(keys, [key], replies)
    return facts


# KEYS: session. ARGV: the longest JSON wanted. Its length, and itself unless it is longer.
_JSON = """
local n = redis.call('HSTRLEN', KEYS[1], 'json')
if n == 0 or n > tonumber(ARGV[1]) then return {n, false} end
return {n, redis.call('HGET', KEYS[1], 'json')}
"""


def _questions(batch: Iterable[bytes], most: int) -> list[tuple[Any, ...]]:
    return [
        question
        for key in batch
        for question in (("HMGET", key, *_FIELDS), ("EVAL", _JSON, 1, key, most), ("PTTL", key))
    ]


def _facts(keys: Keys, batch: Sequence[bytes], replies: Sequence[Reply]) -> list[SessionFacts]:
    facts = []
    for i, key in enumerate(batch):
        values, json, ttl = replies[3 * i : 3 * i + 3]
        identity = keys.identity(key)
        if isinstance(values, ServerError) and values.code == "WRONGTYPE":
            facts.append(SessionFacts(identity, text(key), False, {}, 0, None, good(ttl)))
            continue
        present = {name: v for name, v in zip(_FIELDS, good(values), strict=True) if v is not None}
        json_size, content = good(json)
        if present or json_size or good(ttl) != -2:  # it may have expired meanwhile
            facts.append(SessionFacts(identity, text(key), True, present, json_size, content, good(ttl)))
    return facts


async def find_traces(server: Server, stream: str, session_id: int) -> Traces:
    """:raises TransportError: Redis does not answer, or forbids it."""
    key = Keys.stream(stream)
    last, looked, others = await server.ask_one(key, "EVAL", _TRACES, 1, key, session_id, _LATEST)
    return Traces(
        Position.parse(last.decode()) if last else None, looked, [o.decode("utf-8", "replace") for o in others]
    )
