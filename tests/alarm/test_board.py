"""The board, what is said of it, and when."""

from __future__ import annotations

import cbor2
import pytest

from rta.alarm.board import AlarmBoard, rule_text
from rta.alarm.fulls import Fulls
from rta.alarm.messages import event_messages, full_message
from rta.alarm.monitor import AlarmChange
from rta.errors import RtaError
from rta.rsmp.payload import MAX_PAYLOAD, iso
from rta.wire.values import Ns

from .alarms import BASE, CODE, alarm

SECOND = 1_000_000_000


def change(active: bool, at: int = 0, component: str = "", **values: object) -> AlarmChange:
    return AlarmChange(CODE, component, Ns(BASE + at * SECOND), active, values)


def board() -> AlarmBoard:
    made = AlarmBoard()
    made.define(alarm(above=110, hysteresis=5, for_="10s", description="Oil", from_="parameter:OIL"))
    return made


def test_what_holds_already_is_no_news():
    b = board()
    assert [b.apply(c) for c in (change(False), change(True), change(True), change(False), change(False))] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_an_active_alarm_with_other_values_is_news_and_as_old_as_before():
    b = board()
    assert b.apply(change(True, 1, level=1))
    assert b.apply(change(True, 5, level=2))
    assert b.active(CODE) == [change(True, 1, level=2)]


def test_it_keeps_when_it_was_raised_and_cleared():
    b = board()
    for c in (change(True, 1, level=1), change(True, 5, level=2), change(False, 9, level=0), change(True, 20, level=3)):
        b.apply(c)
    (alarm,) = b.listed(history=True)
    assert [(c["ts"][17:19], c["active"], c["values"]) for c in alarm["history"]] == [
        (iso(Ns(BASE + at * SECOND))[17:19], active, {"level": level})
        for at, active, level in ((1, True, 1), (9, False, 0), (20, True, 3))
    ]
    assert "history" not in b.listed()[0]


def test_of_one_alarm_the_last_changes_are_kept():
    b = board()
    for at in range(120):
        b.apply(change(at % 2 == 0, at))
    (alarm,) = b.listed(history=True)
    assert len(alarm["history"]) == 50
    assert alarm["history"][-1]["ts"] == iso(Ns(BASE + 119 * SECOND))


def test_of_very_many_alarms_each_keeps_fewer_changes():
    b = AlarmBoard()
    b.add(CODE, [f"sg/{i}" for i in range(2000)], "", {}, "")
    for at in range(20):
        b.apply(change(at % 2 == 0, at, "sg/7"))
    assert max(len(alarm["history"]) for alarm in b.listed(history=True)) == 5


def test_it_is_listed_with_what_an_operator_asks_for():
    b = board()
    listed = {
        "code": CODE,
        "component": None,
        "description": "Oil",
        "active": False,
        "since": None,
        "values": {},
        "source": "parameter:OIL",
        "rule": "above 110, back by 5, for 10s",
    }
    assert b.listed() == [listed]
    assert b.listed(active_only=True) == []
    b.apply(change(True, 1, value=111.0))
    listed |= {"active": True, "since": "2023-11-14T22:13:21.000Z", "values": {"value": 111.0}}
    assert b.listed(active_only=True) == [listed]
    assert b.count() == (1, 1)


def test_two_alarms_of_one_code_are_refused():
    with pytest.raises(RtaError, match=r"^there are two alarms 'plant\.oil'$"):
        board().define(alarm(above=1))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"above": 110, "below": 60.5, "clear_for": "1min"}, "below 60.5 or above 110, over after 1min"),
        ({"silent": "90s"}, "no sample for 90s"),
        ({"skew": "5s", "hysteresis": 1}, "clocks differ by more than 5s, back by 1s, for 10s"),
    ],
)
def test_a_rule_is_told_in_words(options, text):
    assert rule_text(alarm(**options).rule) == text


def test_a_full_update_lists_the_active_alarms_with_the_oldest_first():
    payload, left_out = full_message([change(True, 1, "sg/2", value=1.5), change(True, 2)])
    assert cbor2.loads(payload) == {
        "entries": [
            {"ts": "2023-11-14T22:13:21.000Z", "component": "sg/2", "active": True, "values": {"value": 1.5}},
            {"ts": "2023-11-14T22:13:22.000Z", "active": True, "values": {}},
        ],
        "full": True,
    }
    assert left_out == 0
    assert cbor2.loads(full_message([])[0]) == {"entries": [], "full": True}


def test_where_not_all_fits_the_values_are_left_out_and_then_the_newest():
    some = [change(True, i, f"sg/{i}", text="x" * 200) for i in range(500)]
    payload, left_out = full_message(some)
    assert (len(cbor2.loads(payload)["entries"]), left_out) == (500, 0)
    payload, left_out = full_message([change(True, i, f"sg/{i}", text="x" * 200) for i in range(5000)])
    entries = cbor2.loads(payload)["entries"]
    assert len(payload) <= MAX_PAYLOAD
    assert len(entries) + left_out == 5000
    assert [e["component"] for e in entries] == [f"sg/{i}" for i in range(len(entries))]


def test_events_are_said_in_as_few_messages_as_can_be_read():
    messages = list(event_messages([change(True, i, f"sg/{i}", text="x" * 200) for i in range(1000)]))
    assert [count for _, count in messages] == [len(cbor2.loads(payload)["entries"]) for payload, _ in messages]
    assert sum(count for _, count in messages) == 1000
    assert len(messages) == 5
    assert all(len(payload) <= MAX_PAYLOAD for payload, _ in messages)


def test_full_updates_come_with_changes_but_not_more_than_once_a_second_and_every_five_minutes():
    fulls = Fulls(["a.b", "c.d"])
    assert fulls.drain(0) == []
    fulls.all(10)
    assert fulls.drain(10) == ["a.b", "c.d"]
    fulls.changed("a.b", 10.5)
    assert (fulls.drain(10.5), fulls.next, fulls.waiting()) == ([], 11, ["a.b"])
    assert (fulls.drain(11), fulls.drain(11), fulls.waiting()) == (["a.b"], [], [])
    fulls.changed("a.b", 20)
    assert fulls.drain(20) == ["a.b"]
    assert (fulls.drain(309), fulls.drain(310), fulls.drain(320)) == ([], ["c.d"], ["a.b"])
