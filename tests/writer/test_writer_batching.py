"""What is sent when: the writer's plain core."""

from itertools import count

import numpy as np
import pytest

from rta.testing import json_burst, numbered_burst, session_json
from rta.wire import BURST_LIMIT, Event, SampleType, TimeRange, decode_periodic, decode_row
from rta.writer.items import event_item, periodic_items, row_items, timestamped_items
from rta.writer.outbox import BurstKind, SessionOutbox

from .logs import samples_of

F64 = SampleType.F64


def outbox(target: int = 1000) -> SessionOutbox:
    return SessionOutbox(count(), target, 0.1)


def add(to: SessionOutbox, *times: int, now: float = 0.0) -> None:
    for piece in timestamped_items(1, times, times, F64):
        to.add(piece, now)


def test_samples_wait_for_more_until_the_first_has_waited_long_enough() -> None:
    waiting = outbox()
    add(waiting, 1, 2, now=5.0)
    add(waiting, 3, now=5.05)
    assert waiting.due == pytest.approx(5.1)
    assert waiting.head(5.09) is None
    burst = waiting.head(5.1)
    assert burst is not None
    assert samples_of([burst]) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_a_burst_is_made_once_there_is_enough_for_one() -> None:
    waiting = outbox(target=100)
    for i in range(10):
        add(waiting, i)
    burst = waiting.head(0.0)
    assert burst is not None
    assert 0 < len(samples_of([burst])) < 10
    assert burst.raw_size <= 130  # and the time range


def test_bursts_have_the_range_of_the_session_so_far() -> None:
    waiting = outbox()
    add(waiting, 50, 20)
    waiting.seal()
    add(waiting, 30)
    waiting.seal()
    for _ in range(2):
        burst = waiting.head(0.0)
        assert burst is not None
        assert burst.time_range == TimeRange(20, 50)
        waiting.done()
    assert waiting.due is None
    assert waiting.size == 0


def test_the_head_is_the_very_same_burst_until_it_is_done() -> None:
    waiting = outbox()
    add(waiting, 1)
    head = waiting.head(1.0)
    add(waiting, 2)
    assert waiting.head(9.0) is head
    waiting.done()
    assert waiting.head(9.0) is not head


def test_a_burst_that_is_made_already_goes_out_at_once_behind_what_came_before() -> None:
    waiting = outbox()
    add(waiting, 1)
    own = numbered_burst(7, TimeRange(3, 4))
    waiting.add_burst(own, BurstKind.DATA)
    first = waiting.head(0.0)
    assert first is not None
    assert samples_of([first]) == [(1, 1.0)]
    waiting.done()
    assert waiting.head(0.0) is own
    assert waiting.span == TimeRange(1, 4)


def test_what_is_being_sent_is_not_dropped() -> None:
    waiting = outbox()
    sent, other = numbered_burst(1), numbered_burst(2)
    waiting.add_burst(sent, BurstKind.DATA)
    waiting.add_burst(other, BurstKind.DATA)
    assert waiting.head(0.0) is sent
    assert waiting.drop_oldest() == 1
    assert waiting.oldest_droppable is None
    assert waiting.head(0.0) is sent
    waiting.done()
    assert waiting.head(0.0) is None


def test_session_json_is_not_dropped_but_for_newer_one() -> None:
    waiting = outbox()
    for kind in (BurstKind.KEEP, BurstKind.UPDATE):
        waiting.add_burst(json_burst(session_json("a")), kind)
    assert waiting.oldest_droppable is None
    size = waiting.size
    waiting.drop_updates()
    assert waiting.size == size // 2


# ---- arrays


def test_a_long_array_is_cut_into_pieces_that_fit_bursts() -> None:
    times = np.arange(100_000) * 1_000_000
    pieces = timestamped_items(1, times, times, F64)
    assert max(p.size for p in pieces) < 80_000
    assert sum(p.samples for p in pieces) == 100_000
    assert [p.span.start for p in pieces[1:]] == [p.span.end + 1_000_000 for p in pieces[:-1]]


def test_times_may_be_numpys() -> None:
    [piece] = timestamped_items(1, np.array(["1970-01-01T00:00:01.5"], "datetime64[ms]"), [1], F64)
    assert piece.span == TimeRange(1_500_000_000, 1_500_000_000)


@pytest.mark.parametrize("times", [[0.5], ["1"], [1, 2]])
def test_times_that_are_wrong_are_refused(times) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of numpy or ours
        timestamped_items(1, times, [1.0], F64)


def test_periodic_pieces_go_on_where_the_one_before_ended() -> None:
    values = np.arange(20_000)
    pieces = periodic_items(3, 1000, 10, values, F64)
    times, got = map(np.concatenate, zip(*[decode_periodic(p.item.periodic_data) for p in pieces], strict=True))
    assert len(pieces) > 1
    assert times.tolist() == (1000 + values * 10).tolist()
    assert got.tolist() == values.tolist()
    assert pieces[-1].span.end == times[-1]


def test_rows_are_one_item_each_packed_by_type() -> None:
    types = {16: SampleType.U16, 17: SampleType.F32}
    pieces = row_items([16, 17, 18], [5, 6], [[1, 0.5, 2], [3, -0.5, 4]], types)
    rows = [decode_row(p.item.row_data, {**types, 18: F64}) for p in pieces]  # type: ignore[dict-item]
    assert rows == [{16: 1, 17: 0.5, 18: 2}, {16: 3, 17: -0.5, 18: 4}]
    assert [p.span for p in pieces] == [TimeRange(5, 5), TimeRange(6, 6)]
    assert len(row_items([1, 2], 5, [1.0, 2.0], {})) == 1


@pytest.mark.parametrize(("times", "values"), [([1], [[1]]), ([1, 2], [[1, 2]]), (1, [[1, 2], [3, 4]])])
def test_rows_of_another_shape_are_refused(times, values) -> None:
    with pytest.raises(ValueError, match="do not go with"):
        row_items([1, 2], times, values, {})


def test_an_item_that_fits_no_burst_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        event_item(Event(status_text="x" * BURST_LIMIT))
