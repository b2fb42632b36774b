"""Which keys there are, in one bounded pass: sessions where they are configured to be, streams, other hashes."""

from __future__ import annotations

from attrs import define, field

from rta_transports.redis.directory import in_batches
from rta_transports.redis.keys import SESSION_COUNTER, STREAMS, Keys, text
from rta_transports.redis.server import Server, good
from rta_transports.redis.topology import ServerAddress

__all__ = ["MOST_KEYS", "Survey", "scan_keys"]

MOST_KEYS = 20_000
"""Keys looked at, of all servers between_sessions."""

_PAGE = 1000
_STREAM = b"stream:"
_OURS = b"rta:append:"


@define
class Survey:
    """What was seen. Keys come with the server that has them."""

    sessions: dict[bytes, ServerAddress] = field(factory=dict)
    """Keys as `session_key` says, whatever they hold."""
    streams: set[str] = field(factory=set)
    """Names of keys that begin with `stream:`, whatever they hold."""
    hashes: dict[bytes, ServerAddress] = field(factory=dict)
    """All other hashes."""
    looked_at: int = 0
    total: int = 0
    complete: bool = True
    """Whether no key was left out."""


async def scan_keys(server: Server, keys: Keys) -> Survey:
    """:raises TransportError: Redis does not answer, or forbids it."""
    found = Survey()
    primaries = await server.primaries()
    for address in primaries:
        await _scan_server(server, address, keys, found, max(_PAGE, MOST_KEYS // len(primaries)))
    return found


async def _scan_server(server: Server, address: ServerAddress, keys: Keys, found: Survey, most: int) -> None:
    found.total += good((await server.ask_at(address, ("DBSIZE",)))[0])
    cursor, seen, scanned = b"0", 0, 0
    while True:
        cursor, page = good((await server.ask_at(address, ("SCAN", cursor, "COUNT", _PAGE)))[0])
        seen += len(page)
        scanned += _PAGE
        others = [key for key in page if not _sorted_in(key, address, keys, found)]
        for batch in in_batches(others, _PAGE):
            kinds = await server.ask_at(address, *[("TYPE", key) for key in batch])
            found.hashes |= {key: address for key, kind in zip(batch, kinds, strict=True) if kind == b"hash"}
        if cursor == b"0" or scanned >= most:
            break
    found.looked_at += seen
    found.complete &= cursor == b"0"


def _sorted_in(key: bytes, address: ServerAddress, keys: Keys, found: Survey) -> bool:
    if key.startswith(_STREAM):
        found.streams.add(text(key[len(_STREAM) :]))
    elif key in (STREAMS, SESSION_COUNTER) or key.startswith(_OURS):
        pass
    elif keys.session(keys.identity(key)) == key and keys.identity(key):
        found.sessions[key] = address
    else:
        return False
    return True
