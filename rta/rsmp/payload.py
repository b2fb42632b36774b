"""Payloads: CBOR of the JSON data model. Written strictly, read liberally.

Source: docs/rsmp.md, "Nodes, topics, payloads" and "CBOR".
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import cbor2

from rta.errors import MalformedError
from rta.formatting import replace_surrogates
from rta.rsmp.message import StatusMessage, Values
from rta.wire.values import Ns

__all__ = ["MAX_PAYLOAD", "decode", "encode", "iso", "is_clear", "parse_iso", "read", "read_map", "write_status",
           "write_values"]  # fmt: skip

MAX_PAYLOAD = 64 << 10
"""Bytes; a longer one is not looked at."""

_DEPTH = 32
_LARGEST = (1 << 64) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = 1_000_000
_ENTRIES = b"\xa1\x67entries"
_ONE_ENTRY = _ENTRIES + b"\x81"
_SEQ = b"\x63seq"
_CLEARS = (b"", b"\xf6", b"\xf7")  # nothing, null, undefined


write_values: Callable[[Values], bytes] = cbor2.dumps
"""Of an event, a map."""


def write_status(message: StatusMessage, values: Sequence[bytes] | None = None) -> bytes:
    """A status message: what `encode` would make of `{"entries": [{"ts", "values", "seq"}, …]}`.

    Written for every event: only its values and its number are left to the encoder. `values`: of each event, where
    `write_values` has written them already.
    """
    events = message.events
    parts = [_entries(len(events))]
    for event, written in zip(events, values or [write_values(event.values) for event in events], strict=True):
        parts += (_moment(event.ts // _MILLISECOND), written, _SEQ, cbor2.dumps(event.seq))
    return b"".join(parts)


def _entries(count: int) -> bytes:
    """The head of a message: all but the items of the list that is its only field."""
    if count == 1:
        return _ONE_ENTRY
    return _ENTRIES + cbor2.dumps([None] * count)[:-count]  # each of them a byte


@lru_cache(maxsize=256)
def _moment(ms: int) -> bytes:
    """The head of an entry, up to its values; several streams have events of the same millisecond."""
    return b"\xa3\x62ts" + cbor2.dumps(iso(Ns(ms * _MILLISECOND))) + b"\x66values"


def encode(value: Any) -> bytes:
    """CBOR: definite lengths, no tags; NaN and infinities become null."""
    return cbor2.dumps(_writable(value))


def _writable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, Mapping):
        return {replace_surrogates(str(k)): _writable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(v) for v in value]
    return value


def decode(payload: bytes) -> Any:
    """One item of CBOR from outside, in whatever types it has. Nothing stands behind it.

    :raises MalformedError: kind `cbor`; too long, not CBOR, more than one item, or nested too deeply.
    """
    if len(payload) > MAX_PAYLOAD:
        raise MalformedError("cbor", f"a payload of {len(payload)} bytes; at most {MAX_PAYLOAD} are read")
    stream = io.BytesIO(payload)
    try:
        value = cbor2.CBORDecoder(stream, max_depth=_DEPTH, semantic_decoders=_REFUSED).decode()
    except _UNREADABLE as e:
        raise _malformed(e) from None
    if stream.tell() < len(payload):
        raise MalformedError("cbor", f"{len(payload) - stream.tell()} bytes behind an item of CBOR")
    return value


def read(payload: bytes) -> Any:
    """As `decode`, in the JSON data model: whatever else there is in CBOR becomes the nearest of it.

    :raises MalformedError: kind `cbor`; also for something that JSON has nothing like.
    """
    value = decode(payload)
    try:
        return _readable(value, 0)
    except _UNREADABLE as e:
        raise _malformed(e) from None


def is_clear(payload: bytes) -> bool:
    """Whether a retained message of this payload says that there is nothing any more: it is empty, or null."""
    return payload in _CLEARS


def read_map(payload: bytes) -> dict[str, Any]:
    """As `read`, of a map; an empty payload or null is an empty one."""
    value = None if is_clear(payload) else read(payload)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError("type", f"expected a map, got {_named(value)}")
    return value


def _readable(value: Any, depth: int) -> Any:
    if depth > _DEPTH:
        raise ValueError("nested too deeply")
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else _finite(float(value))
    if isinstance(value, float | Decimal | Fraction):
        return _finite(float(value))
    if isinstance(value, Mapping):
        return {_key(k): _readable(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_readable(v, depth + 1) for v in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is cbor2.undefined:
        return None
    raise ValueError(f"a {type(value).__name__}, which JSON has nothing like")


def _refuse(*_: object) -> Any:
    raise ValueError("a value that is said once and meant several times")


_REFUSED: Any = dict.fromkeys((25, 28, 29, 256), _refuse)
"""Tags by which a few bytes stand for a value without end."""

_UNREADABLE = (cbor2.CBORError, ValueError, ArithmeticError, TypeError, RecursionError, MemoryError)


def _malformed(error: Exception) -> MalformedError:
    return MalformedError("cbor", f"not CBOR as we read it: {str(error)[:200]}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _key(value: Any) -> str:
    if isinstance(value, str | int):
        return str(value)
    raise ValueError(f"a key that is a {type(value).__name__}")


def _named(value: Any) -> str:
    return json.dumps(value, default=str)[:60]


# ---- times


def iso(ts: Ns) -> str:
    """ISO 8601 in UTC with milliseconds, rounded down."""
    seconds, rest = divmod(ts, 1_000_000_000)
    return f"{_second(seconds)}{rest // 1_000_000:03d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.")


_DATE = r"(\d{4}(-?)\d\d\2\d\d)"
_CLOCK = r"(\d\d)(?:(:?)(\d\d)(?:\4(\d\d)(?:[.,](\d+))?)?)?"
_ZONE = r"(?:[Zz]|([+\-\u2212])(\d\d)(?::?(\d\d))?)"
_TIME = re.compile(rf"{_DATE}(?:[Tt ]{_CLOCK} ?{_ZONE}?)?", re.ASCII)
_EARLIEST, _LATEST = -(1 << 63), (1 << 63) - 1


def parse_iso(text: object, *, nearest: bool = False) -> Ns:
    """A time in ISO 8601: a date, perhaps with a time of any precision (cut to ns) and any zone; without one it is UTC.

    Held are those of 64 bits, 1677-09-21 to 2262-04-11. `nearest`: of one before or after, the nearest that is held.

    :raises MalformedError: kind `time`; it is none, or one that cannot be held.
    """
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise MalformedError("time", f"expected a time as 2026-11-21T10:45:00.000Z, got {_named(text)}")
    day, _, hour, _, minute, second, fraction, sign, ahead, minutes = match.groups()
    h, m, s, ns = int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "")[:9].ljust(9, "0"))
    zone = int(ahead or 0) * 3600 + int(minutes or 0) * 60
    if m > 59 or s > 60 or h > 24 or (h == 24 and (m or s or ns)) or int(ahead or 0) > 23 or int(minutes or 0) > 59:
        raise MalformedError("time", f"{_named(text)} is no time of a day")
    seconds = _midnight(day) + h * 3600 + m * 60 + s + (-zone if sign == "+" else zone)
    ts = seconds * 1_000_000_000 + ns
    if not _EARLIEST <= ts <= _LATEST:
        if not nearest:
            raise MalformedError("time", f"{_named(text)} is too far away")
        ts = min(max(ts, _EARLIEST), _LATEST)
    return Ns(ts)


@lru_cache(maxsize=1024)
def _midnight(day: str) -> int:
    """Seconds of the epoch."""
    digits = day.replace("-", "")
    try:
        days = date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) - _EPOCH.date()
    except ValueError:
        raise MalformedError("time", f"there is no day {day}") from None
    return days.days * 86400
