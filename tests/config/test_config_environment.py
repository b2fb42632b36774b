"""Environment variables override the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_transports import Everything, Grade, Mode, Tls
from rta_transports.memory import MemoryLogOptions

SOURCE = '[[source]]\nname = "{}"\ntransport = "everything"\naddress = "x"\n'


@pytest.mark.parametrize(
    "variable", ["RTA_EDGE__PORT", "rta_edge__port", "Rta_Edge__Port", "RTA_EDGE__P_O_R_T", "rTa_eDgE__pOrT"]
)
def test_a_variable_overrides_the_file_in_any_case(load, variable):
    assert load("edge.port = 1", **{variable: "9000"}).edge.options.port == 9000


@pytest.mark.parametrize("variable", ["RTA_EDGE__MAX_CONNECTIONS", "RTA_Edge__MaxConnections"])
def test_underscores_make_no_difference(load, variable):
    config = load("", **{variable: "12"})
    assert config.edge.options.max_connections == 12
    assert config.warnings == []


def test_a_variable_sets_what_the_file_does_not(load):
    config = load("", RTA_FANOUT__RING="64MiB", RTA_SITE__LABEL="5", RTA_LOGGING__LEVEL="INFO")
    assert (config.fanout.ring, config.site.label, config.logging.level) == (64 << 20, "5", "info")


@pytest.mark.usefixtures("plug_ins")
def test_a_variable_is_read_as_what_its_option_is(load):
    values = {
        "COUNT": " 7 ",
        "RATIO": "2.5",
        "ENABLED": "True",
        "WAIT": "250ms",
        "LIMIT": "10 MiB",
        "REST": "",
        "NOTE": "10",
        "LEVEL": "HIGH",
        "MODE": "Safe",
        "GRADE": "coarse",
        "FILE": "there",
        "NAMES": "b, c,,",
        "WAITS": "1s,2",
        "KINDS": '["k"]',
        "DETAILS": '{ a = 1, "b c" = "two" }',
        "EITHER": "3",
        "ANYTHING": "[1, 2]",
        "MAXCONNECTIONS": "none",
        "TLS__CERTIFICATE": "c.pem",
        "TLS__VERSIONS": "1.2,1.3",
    }
    config = load(SOURCE.format("a"), **{f"RTA_SOURCE__A__{key}": value for key, value in values.items()})
    options = config.sources[0].options
    assert options == Everything(
        address="x",
        count=7,
        ratio=2.5,
        enabled=True,
        wait=0.25,
        limit=10 << 20,
        rest=None,
        note="10",
        level="high",
        mode=Mode.SAFE,
        grade=Grade.COARSE,
        file=Path("there"),
        names=["b", "c"],
        waits=(1.0, 2.0),
        kinds=frozenset({"k"}),
        details={"a": 1, "b c": "two"},
        either=3.0,
        anything=[1, 2],
        tls=Tls(Path("c.pem"), True, ["1.2", "1.3"]),
    )
    assert type(options.note) is str
    assert config.warnings == []


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(
    ("value", "details"), [("a = 1, b = true", {"a": 1, "b": True}), ("", {}), ("{}", {}), ("a.b = 1", None)]
)
def test_a_table_is_written_as_in_toml(load, problems, value, details):
    environ = {"RTA_SOURCE__A__DETAILS": value}
    if details is None:
        assert problems(SOURCE.format("a"), **environ)
    else:
        assert load(SOURCE.format("a"), **environ).sources[0].options.details == details


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(("text", "value"), [("plain words", "plain words"), ("5", 5), ("true", True)])
def test_an_option_that_takes_anything_takes_toml_or_text(load, text, value):
    assert load(SOURCE.format("a"), RTA_SOURCE__A__ANYTHING=text).sources[0].options.anything == value


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize("level", ["wrx-2.b", "WRX_2_B", "wrx2b"])
def test_a_source_is_found_by_its_name_as_a_variable_can_spell_it(load, level):
    config = load(SOURCE.format("other") + SOURCE.format("wrx-2.b"), **{f"RTA_SOURCE__{level}__COUNT": "5"})
    assert [source.options.count for source in config.sources] == [3, 5]


@pytest.mark.usefixtures("plug_ins")
def test_a_name_that_fits_exactly_goes_before_one_that_is_alike(load):
    config = load(SOURCE.format("a-b") + SOURCE.format("a_b"), RTA_SOURCE__a_b__COUNT="5")
    assert [source.options.count for source in config.sources] == [3, 5]


@pytest.mark.usefixtures("plug_ins")
def test_a_variable_that_could_mean_two_sources_is_a_problem(problems):
    assert problems(SOURCE.format("a-b") + SOURCE.format("a.b"), RTA_SOURCE__A_B__COUNT="5") == [
        'RTA_SOURCE__A_B__COUNT: could mean any of the sources "a-b", "a.b"; rename all but one'
    ]


@pytest.mark.usefixtures("plug_ins")
def test_options_are_those_of_the_transport_that_another_variable_chose(load):
    config = load("buffer.transport = 'nothing'", RTA_BUFFER__TRANSPORT="lazy", RTA_BUFFER__ONE="5")
    assert (config.buffer.transport, config.buffer.options.one, config.buffer.options.two) == ("lazy", 5, 6)
    assert type(config.buffer.transport) is str


@pytest.mark.usefixtures("plug_ins")
def test_a_source_can_change_transport_and_stream_but_not_its_name(load):
    config = load(
        SOURCE.format("a").replace('address = "x"', ""),
        RTA_SOURCE__A__TRANSPORT="span",
        RTA_SOURCE__A__LAST="4",
        RTA_SOURCE__A__STREAM="t",
        RTA_SOURCE__A__NAME="b",
    )
    [source] = config.sources
    assert (source.name, source.transport, source.stream, source.options.last) == ("a", "span", "t", 4)
    assert config.warnings == ["unknown environment variables, left out: RTA_SOURCE__A__NAME"]


def test_unknown_variables_are_one_warning_that_names_them_all(load):
    unknown = {
        "RTA_SERVICE_HOST": "10.0.0.1",
        "RTA_EDGE_PORT": "tcp://10.0.0.1:8180",
        "RTA_EDGE": "x",
        "RTA_EDGE__PROT": "1",
        "RTA_EDGE__PORT__X": "1",
        "RTA_SOURCE__none__SPEED": "1",
        "RTA_SOURCE": "1",
        "RTA_SOURCE__WRX": "1",
        "RTA_": "1",
        "RTA___": "1",
        "rta_x": "1",
    }
    config = load("", **unknown, OTHER="1", XRTA_EDGE__PORT="1")
    assert config.warnings == [f"unknown environment variables, left out: {', '.join(sorted(unknown))}"]


@pytest.mark.parametrize(
    ("variable", "value", "key", "problem"),
    [
        ("RTA_EDGE__PORT", "x", "edge.port", 'expected a whole number, got "x"'),
        ("RTA_EDGE__PORT", "", "edge.port", 'expected a whole number, got ""'),
        ("RTA_EDGE__PORT", "1.0", "edge.port", 'expected a whole number, got "1.0"'),
        ("rta_fanout__keep", "-1s", "fanout.keep", 'a duration cannot be negative, got "-1s"'),
        ("RTA_FANOUT__RING", "x", "fanout.ring", 'expected a size like "64KiB" or "1MB", got "x"'),
        ("RTA_LOGGING__LEVEL", "x", "logging.level", 'expected "debug", "info", "warning" or "error", got "x"'),
        ("RTA_EDGE__TRANSPORT", "x", "edge.transport", "no transport 'x' is installed; there are: "),
    ],
)
def test_a_bad_value_is_a_problem_that_names_the_variable(problems, variable, value, key, problem):
    [line] = problems("", **{variable: value})
    assert line.startswith(f"{variable} ({key}): {problem}")


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(
    ("option", "value", "key", "problem"),
    [
        ("COUNT", "10", "count", "'count' must be < 10: 10"),
        ("RATIO", "x", "ratio", 'expected a number, got "x"'),
        ("ENABLED", "maybe", "enabled", 'expected true or false, got "maybe"'),
        ("WAITS", "1s,x", "waits[1]", 'expected a duration like "30s", "1.5 min" or "1h30m", got "x"'),
        ("FILE", "", "file", 'expected a path, got ""'),
        ("NAMES", "[1]", "names[0]", "expected text, got 1"),
    ],
)
def test_so_does_one_of_a_source(problems, option, value, key, problem):
    variable = f"RTA_SOURCE__A__{option}"
    assert problems(SOURCE.format("a"), **{variable: value}) == [
        f'{variable} (source[0].{key} (source "a")): {problem}'
    ]


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize("value", ["{", "a", "[" * 100_000])
def test_a_table_that_is_not_toml_is_a_problem_of_the_variable(problems, value):
    [line] = problems(SOURCE.format("a"), RTA_SOURCE__A__DETAILS=value)
    assert line.startswith("RTA_SOURCE__A__DETAILS (source[0].details")
    assert "\n" not in line


def test_problems_of_file_and_variables_come_together(problems):
    found = problems("edge.host = 1", RTA_EDGE__PORT="x", RTA_ENABLEAUTH="perhaps")
    places = ["site.toml", "RTA_EDGE__PORT (edge.port)", "RTA_ENABLEAUTH (auth.enabled)"]
    assert [line.split(":")[0] for line in found] == places


def test_a_variable_replaces_a_bad_value_of_the_file(load):
    assert load("edge.port = 'x'", RTA_EDGE__PORT="5").edge.options.port == 5


def test_a_variable_for_what_the_file_has_as_no_table_leaves_the_files_problem(problems):
    assert problems("[source]\n", RTA_SOURCE__A__SPEED="1") == [
        "site.toml: source: expected one [[source]] table for each source"
    ]


@pytest.mark.usefixtures("plug_ins")
def test_a_variable_below_an_option_that_is_no_table_leaves_the_files_problem(problems):
    assert problems(SOURCE.format("a") + "tls = 1", RTA_SOURCE__A__TLS__VERIFY="true") == [
        'site.toml: source[0].tls (source "a"): expected a table, got 1'
    ]


def test_two_spellings_of_a_variable_must_agree(problems, load):
    assert load("", RTA_EDGE__PORT="5", rta_edge__port="5").edge.options.port == 5
    assert problems("", RTA_EDGE__PORT="5", rta_edge__port="6") == [
        "rta_edge__port: RTA_EDGE__PORT sets the same option otherwise; unset one"
    ]


def test_names_are_found_in_the_memory_buffer_too(load):
    config = load("", RTA_BUFFER__MAXBYTES="1MB", RTA_BUFFER__MAX_AGE="1h")
    assert config.buffer.options == MemoryLogOptions(max_bytes=1_000_000, max_age=3600.0)
