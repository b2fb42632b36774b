"""Messages of kept entries: the bytes."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.history.entry import KeptEntry
from rta.history.packing import pack
from rta.rsmp.payload import encode, iso
from rta.wire.values import Ns

MOMENTS = st.integers(min_value=-(10**18), max_value=4 * 10**18).map(Ns)
VALUES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.text(max_size=8), st.none() | st.integers(-(1 << 40), 1 << 40) | st.floats(allow_nan=False, allow_infinity=False)
)
ENTRIES = st.builds(
    KeptEntry,
    pos=st.integers(1, 1 << 60),
    ts=MOMENTS,
    seq=st.integers(0, 1 << 40),
    values=VALUES.map(encode),
    next_ts=st.none() | MOMENTS,
)
FLAGS = st.dictionaries(st.sampled_from(["complete", "beginning", "end", "done"]), st.booleans())


def an_entry(pos: int, size: int = 10, next_ts: int | None = None) -> KeptEntry:
    return KeptEntry(pos, Ns(pos), pos, encode({"a": "x" * size}), None if next_ts is None else Ns(next_ts))


def written(entries: list[KeptEntry], flags: dict[str, bool]) -> bytes:
    """What the encoder makes of the same."""
    items = [
        {
            "ts": iso(e.ts),
            "next_ts": None if e.next_ts is None else iso(e.next_ts),
            "values": cbor2.loads(e.values),
            "seq": e.seq,
        }
        for e in entries
    ]
    return encode({"entries": items, **flags})


@given(st.lists(ENTRIES, max_size=40), FLAGS)
def test_a_message_is_what_the_encoder_makes_of_it(entries, flags):
    payload, count = pack(entries, flags)
    assert (payload, count) == (written(entries, flags), len(entries))


@given(st.lists(ENTRIES, min_size=1, max_size=40), FLAGS, st.integers(min_value=20, max_value=2000))
def test_a_message_has_the_first_entries_that_fit(entries, flags, limit):
    payload, count = pack(entries, flags, limit=60 + limit)
    assert len(payload) <= 60 + limit
    assert payload == written(entries[:count], flags)


@pytest.mark.parametrize("count", [23, 24, 255, 256])
def test_a_message_may_be_as_long_as_its_limit_to_the_byte(count):
    entries = [an_entry(n) for n in range(count)]
    size = len(written(entries, {"complete": True}))
    assert pack(entries, {"complete": True}, limit=size)[1] == count
    assert pack(entries, {"complete": True}, limit=size - 1)[1] == count - 1


def test_an_entry_that_is_too_long_leaves_the_message_empty():
    assert pack([an_entry(1, size=70_000), an_entry(2)], {"complete": False}) == (
        encode({"entries": [], "complete": False}),
        0,
    )


def test_an_entry_that_does_not_follow_its_predecessor_has_its_own_time():
    entries = [an_entry(1_000_000, next_ts=7_000_000), an_entry(9_000_000)]
    assert pack(entries, {})[0] == written(entries, {})
