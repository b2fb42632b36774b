"""Timers in the order of their time."""

from __future__ import annotations

from rta.stream.timer_heap import Timer, TimerHeap
from rta.wire.values import Ns


def play(agenda: TimerHeap) -> None:
    while agenda.head() is not None:
        agenda.fire_head()


def test_what_is_due_first_is_first_and_then_what_ranks_lower() -> None:
    agenda, fired = TimerHeap(), list[str]()
    for name, at, rank in (("late", 3, 0), ("second", 2, 1), ("first", 2, 0), ("early", 1, 5)):
        agenda.set(Timer(lambda _, name=name: fired.append(name), rank), Ns(at))  # type: ignore[misc]
    play(agenda)
    assert fired == ["early", "first", "second", "late"]


def test_a_timer_that_is_set_anew_is_due_once() -> None:
    agenda, fired = TimerHeap(), list[Ns]()
    timer = Timer(fired.append)
    for at in (5, 9, 7):
        agenda.set(timer, Ns(at))
    play(agenda)
    assert fired == [7]


def test_a_cancelled_timer_is_not_due() -> None:
    agenda, fired = TimerHeap(), list[Ns]()
    timer = Timer(fired.append)
    agenda.set(timer, Ns(5))
    agenda.cancel(timer)
    agenda.cancel(timer)
    assert agenda.head() is None
    assert (len(agenda), fired) == (0, [])


def test_timers_that_are_set_and_cancelled_all_day_leave_nothing_behind() -> None:
    agenda = TimerHeap()
    timers = [Timer(lambda _: None) for _ in range(10)]
    for i in range(10_000):
        agenda.set(timers[i % 10], Ns(1_000_000 + i))
        if i % 3:
            agenda.cancel(timers[i % 10])
    assert len(agenda._heap) <= 2 * len(timers) + 65
