"""Long tables: a row for each thing and time; each pair of a thing and a value is a channel."""

from __future__ import annotations

import pytest
from csv_replay import play, problems

from rta.ports import Publish, UpdateSession
from rta.wire import read_configuration

COUNTS = "id;when;volume;speed\n" + "".join(
    f"{detector};2025-09-01 00:{minute:02}:00;{detector + minute};{50 + minute}\n"
    for minute in (0, 15, 30, 45)
    for detector in (1001, 1002, 1003)
)
SIGNALS = "time,signal,value,unit\n" + "".join(
    f"{i / 10},{name},{i + k},{unit}\n"
    for i in range(6)
    for k, (name, unit) in enumerate([("RPM", "1/min"), ("Oil Temp", "°C")])
)


def parameters(played):
    found = {}
    for document in played.of(Publish):
        for _, parameter in read_configuration(document.text).parameters():
            found[parameter.name] = (parameter.channels[0], parameter.unit)
    return found


def test_things_are_told_apart_by_themselves():
    played = play(COUNTS, speed=1000)
    known = parameters(played)
    assert list(known) == [f"{value} {detector}" for detector in (1001, 1002, 1003) for value in ("volume", "speed")]
    assert played.values(known["volume 1002"][0]) == [1002, 1017, 1032, 1047]
    assert played.values(known["speed 1003"][0]) == [50, 65, 80, 95]


def test_a_signal_that_has_a_name_is_called_by_it_and_has_its_unit():
    played = play(SIGNALS)
    assert parameters(played) == {"RPM": (1, "1/min"), "Oil Temp": (2, "°C")}
    assert (played.values(1), played.values(2)) == ([0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6])


def test_columns_can_be_said():
    text = "t,road,lane,flow,note\n0,A1,1,5,x\n0,A1,2,6,y\n0,A2,1,7,z\n1,A1,1,8,x\n"
    played = play(text, channel=["road", "lane"], value="flow")
    assert {name: played.values(number) for name, (number, _) in parameters(played).items()} == {
        "flow A1 1": [5, 8],
        "flow A1 2": [6],
        "flow A2 1": [7],
    }
    assert played.events() == []


def test_two_columns_together_may_name_a_thing():
    text = "t,road,lane,flow\n" + "".join(
        f"{t},{road},{lane},{t}\n" for t in range(4) for road in ("A1", "A2") for lane in (1, 2)
    )
    assert list(parameters(play(text))) == ["flow A1 1", "flow A1 2", "flow A2 1", "flow A2 2"]


def test_a_wide_table_whose_times_come_twice_is_not_taken_for_a_long_one():
    text = "t,gear,rpm\n" + "".join(f"{i // 2},{i % 5},{i * 7}\n" for i in range(40))
    assert list(parameters(play(text))) == ["gear", "rpm"]


def test_that_a_table_is_not_long_can_be_said():
    assert list(parameters(play(COUNTS, speed=1000, channel=""))) == ["id", "volume", "speed"]


def test_a_thing_that_comes_late_is_described_then():
    rows = (
        [(t, name) for t in range(3000) for name in ("a", "b")]
        + [(3000, "late")]
        + [(t, "a") for t in range(3001, 3010)]
    )
    text = "t,key,v\n" + "".join(f"{t},{name},{t}\n" for t, name in rows)
    played = play(text, speed=100, channel="key")
    assert {name: len(played.values(number)) for name, (number, _) in parameters(played).items()} == {
        "a": 3009,
        "b": 3000,
        "late": 1,
    }
    bindings = [b.identifier for b in played.closed[0].config_bindings]
    assert bindings == [u.identifier for u in played.of(Publish)]
    assert [type(u) for u in played.updates].index(UpdateSession) > 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"channel": "id", "value": "flow"}, "value: there is no column 'flow'; there are: 'id', 'when', 'volume'"),
        ({"channel": "detector"}, "channel: there is no column 'detector'; there are: 'id', 'when', 'volume'"),
        ({"channel": "", "value": "volume"}, "value: is for long tables; channel says which columns name the thing"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(options, problem):
    (line,) = problems(COUNTS, **options)
    assert f": {problem}" in line
