"""What is in Redis, read without any of the product's code: by the redis package and a reading of our own."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import redis
from wire.independent import fields, lz4_unpack, packed_varints, signed

__all__ = ["Stored", "stored_session"]


class Stored(NamedTuple):
    """One session as it stands in Redis."""

    hash: dict[str, str]
    streams: set[str]
    jsons: list[str]
    """All session JSON of the stream."""
    ranges: list[tuple[int, int]]
    samples: dict[int, list[tuple[int, float]]]
    """Of timestamped data: by channel, timestamps and values, in the order of the stream."""
    bursts: list[list[str]]
    """The kinds of the items of each burst."""


_KINDS = {2: "json", 3: "range", 4: "timestamped", 5: "periodic", 6: "row", 7: "event"}


def stored_session(url: str, identity: str) -> Stored:
    with redis.Redis.from_url(url) as client:
        raw: dict[bytes, bytes] = client.hgetall(f"sessions:{identity}")
        streams = {name.decode() for name in client.smembers("streams")}
        record = {k.decode(): v.decode() for k, v in raw.items()}
        entries: list[tuple[bytes, dict[bytes, bytes]]] = client.xrange(f"stream:{record['streamName']}")
    found = Stored(record, streams, [], [], {}, [])
    for _, entry in entries:
        assert set(entry) == {b"id", b"data"}
        if entry[b"id"].decode() == record["streamSessionId"]:
            found.bursts.append([_read(found, item.value) for item in fields(lz4_unpack(entry[b"data"]))])
    return found


def _read(found: Stored, item: Any) -> str:
    [(number, _, value)] = fields(item)
    match number:
        case 2:
            found.jsons.append(value.decode())
        case 3:
            span = by_number(value)
            found.ranges.append((span.get(1, 0), span.get(2, 0)))
        case 4:
            parts = by_number(value)
            values = [v for (v,) in struct.iter_unpack("<d", parts[5])]
            time, times = parts.get(2, 0), []
            for delta in map(signed, packed_varints(parts[4])):
                time += delta * parts.get(3, 0)
                times.append(time)
            found.samples.setdefault(parts.get(1, 0), []).extend(zip(times, values, strict=True))
    return _KINDS[number]


def by_number(message: Any) -> dict[int, Any]:
    return {f.number: f.value for f in fields(message)}
