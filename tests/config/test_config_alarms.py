"""`[[alarm]]` tables become definitions, or problems with their keys."""

from __future__ import annotations

import pytest

from rta.alarm.definition import AlarmDefinition, Silent, Skew, Threshold
from rta.sampling.sources import ChannelSource, ParameterSource, Selector, StatusSources, TopicSource

SECOND = 1_000_000_000

OIL = """
[[alarm]]
code = "car.oil"
from = "parameter:OIL"
"""


def test_a_threshold_is_all_that_it_says(load):
    config = load(
        """
        [[alarm]]
        code = "car/oil"
        description = "Too hot"
        session = { detail = { vehicle = "WRX" } }
        components = { "sensor/1" = "parameter:OIL", "sensor/2" = "channel:12" }
        above = 110
        below = 60.5
        hysteresis = 5
        for = "10s"
        clear_for = "1s"
        max_age = "30s"
        """
    )
    [alarm] = config.alarms
    sources = {("value", "sensor/1"): ParameterSource("OIL"), ("value", "sensor/2"): ChannelSource(12)}
    assert alarm == AlarmDefinition(
        "car.oil",
        Threshold(110.0, 60.5, 5.0, 10 * SECOND, SECOND, 30 * SECOND),
        StatusSources("alarm:car.oil", Selector(details={"vehicle": "WRX"}), sources, anew=True),
        "Too hot",
        {"sensor/1": "parameter:OIL", "sensor/2": "channel:12"},
    )
    assert alarm.components == ("sensor/1", "sensor/2")


def test_silence_and_skew_are_all_that_they_say(load):
    text = OIL.replace("parameter:OIL", "topic:plant/x#a.b") + 'silent = "10s"'
    text += OIL.replace("car.oil", "car.clock") + 'skew = 5\nhysteresis = 1.5\nfor = "0s"\nclear_for = "2s"'
    silent, skew = load(text).alarms
    assert silent.rule == Silent(10 * SECOND)
    assert silent.binding.sources == {("value", ""): TopicSource("plant/x", ("a", "b"))}
    assert skew.rule == Skew(5 * SECOND, 1_500_000_000, 0, 2 * SECOND)


def test_a_threshold_is_raised_at_once_and_a_skew_after_ten_seconds_if_nothing_else_is_said(load):
    threshold, skew = load(OIL + "above = 1" + OIL.replace("oil", "clock") + "skew = 1").alarms
    assert (threshold.rule.lasting, skew.rule.lasting) == (0, 10 * SECOND)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("", "alarm[0]: expected one of: above and below (or either), silent, skew"),
        ("above = 1\nsilent = 1", "alarm[0]: expected one of: above and below (or either), silent, skew"),
        ("above = nan", "alarm[0].above: expected a finite number, got nan"),
        ("below = -inf", "alarm[0].below: expected a finite number, got -inf"),
        ('above = "hot"', "alarm[0].above: "),
        ("above = 1\nbelow = 2", "alarm[0].below: expected at most above, which is 1, got 2"),
        (
            "above = 10\nbelow = 0\nhysteresis = 5.5",
            "alarm[0].hysteresis: expected at most half of what is between the limits, 5",
        ),
        ("above = 1\nhysteresis = -1", "alarm[0].hysteresis: "),
        ("above = 1\nfor = -1", "alarm[0].for: "),
        ("silent = 0", "alarm[0].silent: "),
        ('silent = "400d"', "alarm[0].silent: "),
        ("silent = 1\nhysteresis = 1", "alarm[0].hysteresis: expected none, since it does not go with silent"),
        ("silent = 1\nfor = 1", "alarm[0].for: expected none, since it does not go with silent"),
        ("skew = 1\nmax_age = 1", "alarm[0].max_age: expected none, since it does not go with skew"),
        ("skew = 1\nhysteresis = 2", "alarm[0].hysteresis: expected at most the skew, 1 s, got 2 s"),
        ("abov = 1", 'alarm[0].abov: there is no such option; did you mean "above"?'),
    ],
)
def test_what_makes_no_alarm_is_a_problem_with_its_key(problems, options, problem):
    found = problems(OIL + options)
    assert any(p.startswith(f"site.toml: {problem}") for p in found), found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('code = "oil"\nfrom = "channel:1"\nabove = 1', "code: expected a status code"),
        ('code = "a.b"\nabove = 1', "expected either from or components"),
        ('code = "a.b"\nfrom = "OIL"\nabove = 1', "from: expected parameter:"),
        ('code = "a.b"\nabove = 1\ncomponents = { "1-2" = "channel:1" }', "components: "),
        ('code = "a.b"\nabove = 1\ncomponents = { x = "channel:x" }', "components.x: expected parameter:"),
        ('code = "a.b"\nskew = 1\nfrom = "topic:x"', "from: expected a parameter or a channel"),
        (
            'code = "a.b"\nsilent = 1\ncomponents = { x = "topic:x", y = "channel:1" }',
            "components: expected either topics",
        ),
        ('code = "a.b"\nfrom = "channel:1"\nabove = 1\nsession = { identity = "" }', "session.identity: "),
    ],
)
def test_what_names_nothing_is_a_problem_with_its_key(problems, text, problem):
    [found] = problems(f"[[alarm]]\n{text}")
    assert found.split(": ", 1)[1].removeprefix("alarm[0]").lstrip(".: ").startswith(problem), found


def test_two_alarms_of_one_code_are_a_problem(problems):
    assert problems(OIL + "above = 1" + OIL.replace("car.oil", "car/oil") + "below = 1") == [
        "site.toml: alarm[1].code: alarm[0] has this code already; each needs its own"
    ]
