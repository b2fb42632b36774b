"""What the check sum of payloads finds."""

from __future__ import annotations

import random

from hypothesis import assume, given
from hypothesis import strategies as st
from rta_transports.sqlite.payload_sum import payload_sum

_PAGE = 4096
payloads = st.builds(lambda seed, size: random.Random(seed).randbytes(size), st.integers(), st.integers(1, 5 * _PAGE))


@given(payloads, st.data())
def test_any_changed_byte_is_found(payload: bytes, data: st.DataObject) -> None:
    at, change = data.draw(st.integers(0, len(payload) - 1)), data.draw(st.integers(1, 255))
    changed = bytearray(payload)
    changed[at] ^= change
    assert payload_sum(bytes(changed)) != payload_sum(payload)


@given(payloads, st.data())
def test_what_is_zeroed_from_some_place_on_is_found(payload: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(payload) - 1))
    size = data.draw(st.integers(1, _PAGE))
    changed = payload[:at] + bytes(len(payload[at : at + size])) + payload[at + size :]
    assume(changed != payload)
    assert payload_sum(changed) != payload_sum(payload)


@given(st.integers(), st.integers(0, 3), st.integers(0, 3), st.integers(0, _PAGE))
def test_pages_that_have_changed_places_are_found(seed: int, one: int, other: int, rest: int) -> None:
    assume(one != other)
    numbers = random.Random(seed)
    pages = [numbers.randbytes(_PAGE) for _ in range(4)]
    end = numbers.randbytes(rest)
    whole = payload_sum(b"".join(pages) + end)
    pages[one], pages[other] = pages[other], pages[one]
    assert payload_sum(b"".join(pages) + end) != whole


@given(payloads, st.integers(1, _PAGE))
def test_what_is_shifted_cut_or_longer_is_found(payload: bytes, by: int) -> None:
    found = payload_sum(payload)
    assert payload_sum(bytes(by) + payload) != found
    assert payload_sum(payload + bytes(by)) != found
    assert payload_sum(payload[:-by]) != found
    assume(payload[by:] + payload[:by] != payload)
    assert payload_sum(payload[by:] + payload[:by]) != found


@given(payloads)
def test_views_have_the_sum_of_their_bytes(payload: bytes) -> None:
    assert payload_sum(memoryview(b"x" + payload)[1:]) == payload_sum(payload)
    assert 0 <= payload_sum(payload) < 1 << 32
