"""Bursts that wait to be sampled: in order, and never more bytes than the bound."""

from __future__ import annotations

from rta.ports import Position
from rta.sampling.burst_queue import BurstQueue
from rta.session.client import SessionRun
from rta.wire import ChannelId, data_item, encode_timestamped, make_burst

RUN = SessionRun(0, "s", 1, Position(0, 0), Position(0, 0))
BURST = make_burst([data_item(encode_timestamped(ChannelId(1), [1], [1.0]))])
SIZE = len(BURST.packed)


def test_bursts_come_out_as_they_went_in():
    queue = BurstQueue(1 << 20)
    other = make_burst([data_item(encode_timestamped(ChannelId(2), [1], [1.0]))])
    assert queue.put(BURST, RUN)
    assert queue.put(other, RUN)
    assert queue.get() == (BURST, RUN)
    assert queue.get() == (other, RUN)
    assert queue.get() is None


def test_over_the_bound_the_newest_is_refused_until_there_is_room():
    queue = BurstQueue(2 * SIZE)
    assert [queue.put(BURST, RUN) for _ in range(3)] == [True, True, False]
    queue.get()
    assert queue.put(BURST, RUN)


def test_a_single_burst_may_be_larger_than_the_bound():
    queue = BurstQueue(SIZE - 1)
    assert queue.put(BURST, RUN)
    assert not queue.put(BURST, RUN)
