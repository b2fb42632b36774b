"""Where the last data of a session are, in a stream that others may have gone on writing to.

Redis looks at so many entries at a time as are about 1 MiB, so that it does not keep others waiting. It gives those of
the session alone.
"""

from __future__ import annotations

from rta.ports import Position
from rta_transports.redis.entries import EntryReader, position_of
from rta_transports.redis.keys import Keys
from rta_transports.redis.server import Server

__all__ = ["find_last_data"]

_AT_ONCE = 1 << 20  # bytes of entries that Redis looks at without a pause
_FIRST, _MOST = 16, 512  # entries

# KEYS: stream. ARGV: from where on backwards, up to where, how many entries to look at, id. The entries that have this
# id, newest first; how many were looked at, how many bytes of data, and where the last of them is.
_BACKWARDS = """
local page = redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
local found, bytes = {}, 0
for i = 1, #page do
  local fields, ours = page[i][2], false
  for j = 1, #fields, 2 do
    if fields[j] == 'id' and fields[j + 1] == ARGV[4] then ours = true end
    bytes = bytes + #fields[j + 1]
  end
  if ours then found[#found + 1] = page[i] end
end
return {found, #page, bytes, #page > 0 and page[#page][1] or ''}
"""


async def find_last_data(
    server: Server,
    stream: str,
    session_id: int,
    after: Position,
    upto: Position,
    entries: EntryReader,
) -> Position | None:
    """See `BurstLog.last_data`.

    :raises TransportError: Redis does not answer, or forbids it.
    """
    key, count = Keys.stream(stream), _FIRST
    while after < upto:
        found, looked_at, size, last = await server.ask_one(
            key, "EVAL", _BACKWARDS, 1, key, str(upto), str(after.after()), count, session_id
        )
        for raw in found:
            for seen in entries.read(stream, [raw]):
                # What is in session JSON does not matter here.
                whole = seen if seen.burst is not None else await entries.complete(stream, seen)
                burst = None if whole is None else whole.burst
                if burst is not None and (burst.has_data or burst.has_events):
                    return seen.position
        if looked_at < count:
            break
        upto = position_of(last).before()
        count = max(1, min(2 * count, _MOST, _AT_ONCE * looked_at // (size or 1)))
    return None
