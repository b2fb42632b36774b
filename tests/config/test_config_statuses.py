"""`[[status]]` tables become definitions, or problems with their keys."""

from __future__ import annotations

import pytest

from rta.rsmp.message import PLAIN
from rta.sampling.sources import ChannelSource, ParameterSource, Selector, StatusSources, TopicSource
from rta.stream.definition import Aggregate, AttributeDefinition, Prune, StatusDefinition, StreamDefinition, Trigger

SECOND = 1_000_000_000

ENGINE = """
[[status]]
code = "car.engine"
description = "What the engine does"
session = { pick = "newest-open", detail = { vehicle = "WRX", year = 2020 } }
[status.attributes]
rpm = { from = "parameter:RPM", round = 0, max_age = "5s", description = "Turns" }
group = { components = { "sg/1" = "channel:12", "sg/2" = "topic:plant/x#a.b" } }
"""

SMALL = """
[[status]]
code = "car.engine"
attributes.rpm.from = "parameter:RPM"
attributes.gear.from = "parameter:Gear"
[[status.stream]]
"""


def test_a_status_is_its_definition_what_feeds_it_and_its_streams(load):
    config = load(
        ENGINE
        + """
        [[status.stream]]
        name = "live"
        attributes = { rpm = "change", group = "along" }
        update = "1min"
        delta = "on_change"
        min_interval = "100ms"
        batch = 2
        default = "off"
        qos = 1
        prune = { timeout = "10m", consumers = ["tmc"], grace = 0 }
        [[status.stream]]
        name = "minute"
        description = "By the minute"
        aggregate = { rpm = ["avg", "sum"] }
        update = "60s"
        lateness = "500ms"
        empty = "zero"
        """
    )
    [status] = config.statuses
    assert status.definition == StatusDefinition(
        "car.engine",
        "What the engine does",
        {
            "rpm": AttributeDefinition("rpm", (PLAIN,), 0, 5 * SECOND, "Turns"),
            "group": AttributeDefinition("group", ("sg/1", "sg/2")),
        },
    )
    assert status.binding == StatusSources(
        "car.engine",
        Selector(details={"vehicle": "WRX", "year": "2020"}),
        {
            ("rpm", PLAIN): ParameterSource("RPM"),
            ("group", "sg/1"): ChannelSource(12),
            ("group", "sg/2"): TopicSource("plant/x", ("a", "b")),
        },
    )
    assert status.streams == [
        StreamDefinition(
            "car.engine",
            "live",
            attributes={"rpm": Trigger.CHANGE, "group": Trigger.ALONG},
            update=60 * SECOND,
            min_interval=SECOND // 10,
            batch=2 * SECOND,
            default_on=False,
            qos=1,
            prune=Prune(600 * SECOND, ("tmc",), 0),
        ),
        StreamDefinition(
            "car.engine",
            "minute",
            "By the minute",
            aggregates={"rpm": (Aggregate.AVG, Aggregate.SUM)},
            update=60 * SECOND,
            on_change=False,
            lateness=SECOND // 2,
            empty_sum=0,
        ),
    ]


def test_a_stream_that_says_nothing_sends_all_attributes_on_change_and_every_minute(load):
    [status] = load(SMALL).statuses
    assert status.streams == [
        StreamDefinition("car.engine", attributes={"rpm": Trigger.CHANGE, "gear": Trigger.CHANGE}, update=60 * SECOND)
    ]


def test_a_status_needs_no_stream(load):
    [status] = load(ENGINE).statuses
    assert status.streams == []


def test_a_code_with_a_slash_is_read_with_a_dot(load):
    [status] = load('[[status]]\ncode = "tlc/2"\nattributes.a.from = "channel:1"\n[[status.stream]]').statuses
    assert (status.definition.code, status.binding.code, status.streams[0].code) == ("tlc.2", "tlc.2", "tlc.2")


@pytest.mark.parametrize("name", ["", "default"])
def test_a_stream_called_default_is_the_unnamed_one(load, name):
    [status] = load(f'{SMALL}name = "{name}"').statuses
    assert status.streams[0].name == ""


def test_a_session_can_be_named_by_its_identity(load):
    [status] = load(SMALL.replace("attributes.rpm", 'session.identity = "id"\nattributes.rpm')).statuses
    assert status.binding.selector == Selector(None, "id")


def test_an_attribute_may_be_delivered_as_it_is_and_aggregated(load):
    [status] = load(SMALL + 'attributes = { rpm = "change" }\naggregate = { rpm = ["max"] }').statuses
    assert status.streams[0].attributes == {"rpm": Trigger.CHANGE}
    assert status.streams[0].aggregates == {"rpm": (Aggregate.MAX,)}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("parameter:RPM", ParameterSource("RPM")),
        ("parameter:Throttle Pos", ParameterSource("Throttle Pos")),
        ("parameter:RPM:app", ParameterSource("RPM:app")),
        ("parameter:q[0] (V): x", ParameterSource("q[0] (V): x")),
        ("channel:0", ChannelSource(0)),
        ("channel:4294967295", ChannelSource(4294967295)),
        ("topic:plant/x", TopicSource("plant/x")),
        ("topic:plant:1/x#field", TopicSource("plant:1/x", ("field",))),
    ],
)
def test_a_source_of_values_is_a_text(load, text, source):
    [status] = load(f'[[status]]\ncode = "a.b"\nattributes.x.from = "{text}"').statuses
    assert status.binding.sources == {("x", PLAIN): source}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RPM",
        "param:RPM",
        "parameter:",
        "channel:",
        "channel:-1",
        "channel:x",
        "channel:²",
        "channel:4294967296",
        "topic:",
        "topic:plant/+",
        "topic:#",
        "topic:plant/x#",
        "topic:plant/x#a..b",
    ],
)
def test_a_text_that_is_no_source_says_what_would_be_one(problems, text):
    assert problems(f'[[status]]\ncode = "a.b"\nattributes.x.from = "{text}"') == [
        'site.toml: status[0].attributes.x.from (status "a.b"): expected parameter:<id or name>, '
        f'channel:<number> or topic:<topic>, got "{text}"'
    ]


@pytest.mark.parametrize(
    ("line", "key", "problem"),
    [
        ("updat = 1", "updat", 'there is no such option; did you mean "update"?'),
        ("update = 'x'", "update", 'expected a duration or "off", got "x"'),
        ("update = '9ms'", "update", "expected at least 10 ms, got 0.009 s"),
        ("update = '367d'", "update", "expected at most 366 days, got 3.17088e+07 s"),
        ("delta = 0", "delta", "expected at least 1 ms, got 0 s"),
        ("delta = '1.5ms'", "delta", "expected whole milliseconds, got 0.0015 s"),
        ("delta = 'onchange'", "delta", 'expected "on_change" or a duration or "off", got "onchange"'),
        ("delta = '1min'", "delta", "expected less than update, which is 60 s, got 60 s"),
        ("min_interval = '1min'", "min_interval", "expected less than update, which is 60 s, got 60 s"),
        (
            "min_interval = 1\ndelta = 2",
            "min_interval",
            'expected none, since it goes with delta = "on_change" only',
        ),
        ("batch = 0", "batch", "expected at least 1 ms, got 0 s"),
        ("qos = 2", "qos", "expected 0 or 1, got 2"),
        ("qos = true", "qos", "expected 0 or 1, got true"),
        ("default = true", "default", 'expected "on" or "off", got true'),
        ("empty = 'zero'", "empty", 'expected "null", since the stream does not aggregate'),
        (
            "name = 'a/b'",
            "name",
            'expected letters, digits, ".", "_" and "-", no "." or "-" at the beginning, and 100 characters at most, '
            'got "a/b"',
        ),
        ("attributes = { rmp = 'change' }", "attributes.rmp", 'car.engine has no such attribute; did you mean "rpm"?'),
        ("attributes = { rpm = 'off' }", "attributes.rpm", 'expected "change" or "along", got "off"'),
        ("aggregate = { rmp = ['avg'] }", "aggregate.rmp", 'car.engine has no such attribute; did you mean "rpm"?'),
        ("aggregate = { rpm = [] }", "aggregate.rpm", "expected aggregates, each once, got []"),
        (
            "aggregate = { rpm = ['avg', 'avg'] }",
            "aggregate.rpm",
            'expected aggregates, each once, got ["avg", "avg"]',
        ),
        ("aggregate = { rpm = 'avg' }", "aggregate.rpm", "expected a list of"),
        (
            "aggregate = { rpm = ['avg'] }\nupdate = '7s'",
            "update",
            "expected an interval that divides a day, since the stream aggregates, got 7 s",
        ),
        (
            "aggregate = { rpm = ['avg'] }\nupdate = 'off'",
            "update",
            'expected an interval that divides a day, since the stream aggregates, got "off"',
        ),
        ("aggregate = { rpm = ['avg'] }\ndelta = 1", "delta", "expected none, since the stream aggregates"),
        (
            "aggregate = { rpm = ['avg'] }\nmin_interval = 1",
            "min_interval",
            "expected none, since the stream aggregates and has no deltas",
        ),
        (
            "aggregate = { rpm = ['avg'] }\nfirst = 'known'",
            "first",
            'expected "now", since the stream aggregates and sends nothing at a start',
        ),
        ("first_within = 0", "first_within", "expected at least 1 ms, got 0 s"),
        (
            "aggregate = { rpm = ['avg'] }\nempty = 'zero'",
            "empty",
            'expected "null", since the stream makes no sums',
        ),
        (
            "aggregate = { rpm = ['avg'] }\nlateness = '2min'",
            "lateness",
            "expected at most the update interval, or 60 s, got 120 s",
        ),
        ("prune = { timeout = 0 }", "prune.timeout", "expected at least 1 ms, got 0 s"),
        ("prune = { grace = 'x' }", "prune.grace", 'expected a duration like "30s", "1.5 min" or "1h30m", got "x"'),
        ("prune = { consumers = ['a', 'a'] }", "prune.consumers[1]", '"a" is there already'),
        ("prune = { consumers = ['a/+'] }", "prune.consumers", "expected a node id: "),
    ],
)
def test_a_wrong_setting_of_a_stream_is_one_problem_that_says_what_would_be_right(problems, line, key, problem):
    [found] = problems(SMALL + line)
    assert found.startswith(f'site.toml: status[0].stream[0].{key} (status "car.engine"): {problem}')


@pytest.mark.parametrize(
    ("table", "key", "problem"),
    [
        ("attributes.a.from = 'channel:1'", "code", "is required, and not there"),
        ("code = 'car'\nattributes.a.from = 'channel:1'", "code", "expected a status code: "),
        ("code = 'car/engine/x'\nattributes.a.from = 'channel:1'", "code", "expected a status code: "),
        ("code = 'car.+'\nattributes.a.from = 'channel:1'", "code", "expected a status code: "),
        ("code = 'a.b'", "attributes", "expected at least one attribute"),
        ("code = 'a.b'\nattributes.a = {}", "attributes.a", "expected either from or components"),
        (
            "code = 'a.b'\nattributes.a = { from = 'channel:1', components = { 'sg/1' = 'channel:2' } }",
            "attributes.a",
            "expected either from or components",
        ),
        (
            "code = 'a.b'\nattributes.a.fro = 'channel:1'",
            "attributes.a.fro",
            'there is no such option; did you mean "from',
        ),
        ("code = 'a.b'\nattributes.'a.sum'.from = 'channel:1'", "attributes", "expected as a key an attribute's name"),
        (
            "code = 'a.b'\nattributes.a = { from = 'channel:1', round = 16 }",
            "attributes.a.round",
            "'round' must be <= 15: 16",
        ),
        (
            "code = 'a.b'\nattributes.a = { from = 'channel:1', max_age = 0 }",
            "attributes.a.max_age",
            "expected at least 1 ms, got 0 s",
        ),
        (
            "code = 'a.b'\nattributes.a.components = { 'sg/1-3' = 'channel:2' }",
            "attributes.a.components",
            "expected as a key the id of one component",
        ),
        (
            "code = 'a.b'\nattributes.a.components = { 'sg/1,3' = 'channel:2' }",
            "attributes.a.components",
            "expected as a key the id of one component",
        ),
        (
            "code = 'a.b'\nattributes.a.components = { 'sg/1' = 'x' }",
            'attributes.a.components."sg/1"',
            "expected parameter:<id or name>, ",
        ),
        (
            "code = 'a.b'\nattributes.a.from = 'channel:1'\nsession = { identity = 'x', pick = 'newest-open' }",
            "session.pick",
            "expected none, since identity names the one session",
        ),
        (
            "code = 'a.b'\nattributes.a.from = 'channel:1'\nsession = { identity = 'x', detail = { a = 'b' } }",
            "session.detail",
            "expected none, since identity names the one session",
        ),
        (
            "code = 'a.b'\nattributes.a.from = 'channel:1'\nsession.identity = ''",
            "session.identity",
            'expected the identity of a session, got ""',
        ),
        (
            "code = 'a.b'\nattributes.a.from = 'channel:1'\nstream = {}",
            "stream",
            "expected a list of tables, got a table",
        ),
    ],
)
def test_a_wrong_status_is_one_problem_that_says_what_would_be_right(problems, table, key, problem):
    [found] = problems(f"[[status]]\n{table}")
    where, _, message = found.removeprefix("site.toml: ").partition(": ")
    assert where.partition(" (")[0] == f"status[0].{key}"
    assert message.startswith(problem)


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("a", "a", 'the status has a stream called "a" already'),
        ("", "", "the status has its stream already"),
        ("", "default", "the status has its stream already"),
        ("", "a", "the status has a stream without a name, which can be its only one"),
        ("a", "", 'expected a name, since the status has other streams: "a"'),
    ],
)
def test_streams_of_one_status_are_told_apart_by_their_names(problems, first, second, problem):
    assert problems(f'{SMALL}name = "{first}"\n[[status.stream]]\nname = "{second}"') == [
        f'site.toml: status[0].stream[1].name (status "car.engine"): {problem}'
    ]


def test_no_two_statuses_have_one_code(problems):
    status = '[[status]]\ncode = "{}"\nattributes.a.from = "channel:1"\n'
    assert problems(status.format("tlc.2") + status.format("tlc/2")) == [
        'site.toml: status[1].code (status "tlc/2"): status[0] has this code already; each needs its own'
    ]


def test_all_problems_of_all_statuses_come_at_once(problems):
    assert problems(
        SMALL
        + """
        attributes = { a = "change", b = "change" }
        prune.consumers = ["x", "x"]
        [[status.stream]]
        [[status]]
        code = 5
        stream = [{ qos = 3 }, { qos = 1, update = "x" }]
        """
    ) == [
        'site.toml: status[0].stream[0].attributes.a (status "car.engine"): '
        "car.engine has no such attribute; there are: rpm, gear",
        'site.toml: status[0].stream[0].attributes.b (status "car.engine"): '
        "car.engine has no such attribute; there are: rpm, gear",
        'site.toml: status[0].stream[0].prune.consumers[1] (status "car.engine"): "x" is there already',
        'site.toml: status[0].stream[1].name (status "car.engine"): the status has its stream already',
        "site.toml: status[1].code: expected text, got 5",
        "site.toml: status[1].stream[0].qos: expected 0 or 1, got 3",
        'site.toml: status[1].stream[1].update: expected a duration or "off", got "x"',
    ]


@pytest.mark.parametrize("document", ["[status]\ncode = 'a.b'", "status = 5", "status = [1]"])
def test_statuses_are_tables_of_a_list(problems, document):
    assert problems(document) == ["site.toml: status: expected one [[status]] table for each status"]


@pytest.mark.parametrize("variable", ["RTA_STATUS__CAR_ENGINE__CODE", "RTA_STATUS__0__CODE", "RTA_STATUS"])
def test_statuses_are_not_overridden_by_variables_which_is_one_warning(load, variable):
    config = load(SMALL, **{variable: "x.y"})
    assert [status.definition.code for status in config.statuses] == ["car.engine"]
    assert config.warnings == [f"unknown environment variables, left out: {variable}"]
