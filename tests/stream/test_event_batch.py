"""Events collected to be sent as one message, or as two."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.rsmp.message import StreamEvent
from rta.stream.event_batch import LIMIT, EventBatch, encoded_size
from rta.wire.values import Ns


def event(seq: int, complete: bool, text: str = "") -> StreamEvent:
    return StreamEvent(Ns(seq), {"a": text}, seq, complete)


def flushed(*complete: bool) -> list[tuple[list[int], bool]]:
    batch = EventBatch()
    for seq, whole in enumerate(complete, 1):
        assert batch.add(event(seq, whole)) == []
    return [([e.seq for e in message.events], message.retain) for message in batch.flush()]


@pytest.mark.parametrize(
    ("complete", "messages"),
    [
        ((), []),
        ((True, False, True), [([1, 2, 3], True)]),
        ((False, False), [([1, 2], False)]),
        ((False, True, False, False), [([1, 2], True), ([3, 4], False)]),
    ],
)
def test_only_a_message_that_ends_complete_is_retained(complete: tuple[bool, ...], messages: object) -> None:
    assert flushed(*complete) == messages


def test_what_was_flushed_is_not_sent_again() -> None:
    batch = EventBatch()
    batch.add(event(1, True))
    batch.flush()
    assert (batch.flush(), len(batch)) == ([], 0)


def test_a_message_does_not_become_longer_than_its_limit() -> None:
    batch, messages = EventBatch(), []
    for seq in range(1, 101):
        messages += batch.add(event(seq, True, "x" * 5000))
    messages += batch.flush()
    sizes = [len(encoded(message.events)) for message in messages]
    assert max(sizes) <= LIMIT < max(sizes) + 5100
    assert [e.seq for message in messages for e in message.events] == list(range(1, 101))


def test_an_event_that_is_too_long_by_itself_goes_alone() -> None:
    batch = EventBatch()
    batch.add(event(1, True))
    assert [len(m.events) for m in batch.add(event(2, True, "x" * LIMIT))] == [1]
    assert [len(m.events) for m in batch.add(event(3, True))] == [1]


values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


@given(st.dictionaries(st.text(), values | st.dictionaries(st.text(), values)))
def test_the_size_is_that_of_the_encoded_values(tree: dict[str, object]) -> None:
    assert encoded_size(tree) == len(cbor2.dumps(tree))


def encoded(events: tuple[StreamEvent, ...]) -> bytes:
    text = "2026-11-21T02:57:58.716Z"
    return cbor2.dumps({"entries": [{"ts": text, "values": e.values, "seq": e.seq} for e in events]})
