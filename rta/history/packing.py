"""History and replay messages: entries as they are kept, into payloads of a bounded size.

Written byte for byte, as status messages are: what is kept is CBOR already, and only times and numbers are new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import cbor2

from rta.history.entry import KeptEntry
from rta.rsmp.payload import MAX_PAYLOAD, iso
from rta.wire.values import Ns

__all__ = ["pack"]

_MILLISECOND = 1_000_000
_MINUTE = 60_000 * _MILLISECOND
_ENTRIES = b"\x67entries"
_NULL = b"\xf6"
_LIST, _MAP = 4 << 5, 5 << 5


def pack(entries: Sequence[KeptEntry], flags: Mapping[str, bool], limit: int = MAX_PAYLOAD) -> tuple[bytes, int]:
    """One message: `{"entries": [{"ts", "next_ts", "values", "seq"}, …], …flags}`.

    :return: its payload of at most `limit` bytes, and how many of the entries are in it, from the first on: none where
        the first does not fit even alone.
    """
    tail = b"".join(cbor2.dumps(name) + cbor2.dumps(value) for name, value in flags.items())
    room = limit - len(_head(_MAP, 1 + len(flags))) - len(_ENTRIES) - len(_head(_LIST, len(entries))) - len(tail)
    items: list[bytes] = []
    known: Ns | None = None
    time = b""
    for entry in entries:
        # The time of an entry is nearly always what the one before it names as the next.
        if entry.ts != known:
            time = _time(entry.ts)
        known = entry.next_ts
        following = _NULL if known is None else _time(known)
        item = b"\xa4\x62ts%b\x67next_ts%b\x66values%b\x63seq%b" % (time, following, entry.values, _seq(entry.seq))
        room -= len(item)
        if room < 0:
            break
        items.append(item)
        time = following
    head = _head(_MAP, 1 + len(flags)) + _ENTRIES + _head(_LIST, len(items))
    return b"".join((head, *items, tail)), len(items)


def _head(kind: int, length: int) -> bytes:
    number = cbor2.dumps(length)
    return bytes([number[0] | kind]) + number[1:]


def _seq(number: int) -> bytes:
    if 0xFF < number <= 0xFFFF:
        return b"\x19" + number.to_bytes(2, "big")
    return bytes(cbor2.dumps(number))


def _time(ts: Ns) -> bytes:
    """As CBOR, what `iso` makes of it."""
    minute, rest = divmod(ts, _MINUTE)
    return _minute(minute) + b"%02d.%03dZ" % divmod(rest // _MILLISECOND, 1000)


@lru_cache(maxsize=256)
def _minute(number: int) -> bytes:
    """The beginning of a text, up to the seconds: all moments of a minute have it in common."""
    text = iso(Ns(number * _MINUTE))
    return bytes(cbor2.dumps(text)[: -len("00.000Z")])
