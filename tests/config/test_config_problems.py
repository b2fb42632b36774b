"""Every problem of a configuration is said, in one line each, at once."""

from __future__ import annotations

import pytest
from fake_transports import Ordered, Span

SOURCE = '[[source]]\nname = "a"\ntransport = "everything"\naddress = "x"\n'


@pytest.mark.usefixtures("plug_ins")
def test_all_problems_of_all_tables_come_at_once(problems):
    assert problems(
        """
        [sites]
        [site]
        lable = "x"
        label = 1
        [edge]
        port = "x"
        prot = 1
        [fanout]
        keep = "abc"
        [logging]
        level = "INFO"
        [buffer]
        transport = "csv"
        anything = 1
        [[source]]
        transport = "everything"
        [[source]]
        name = "b"
        transport = "everything"
        address = "y"
        count = 10
        ratio = 0
        details."driver name" = []
        """
    ) == [
        'site.toml: sites: there is no such table; did you mean "site"?',
        "site.toml: site.label: expected text, got 1",
        'site.toml: site.lable: there is no such option; did you mean "label"?',
        'site.toml: buffer.transport: "csv" cannot be a buffer, only a source; '
        "installed ones that can: lazy, memory, redis",
        'site.toml: edge.port: expected a whole number, got "x"',
        'site.toml: edge.prot: there is no such option; did you mean "port"?',
        'site.toml: fanout.keep: expected a duration like "30s", "1.5 min" or "1h30m", got "abc"',
        'site.toml: logging.level: expected "debug", "info", "warning" or "error", got "INFO"',
        "site.toml: source[0].name: is required, and not there",
        "site.toml: source[0].address: is required, and not there",
        "site.toml: source[1].count (source \"b\"): 'count' must be < 10: 10",
        "site.toml: source[1].ratio (source \"b\"): 'ratio' must be > 0: 0.0",
        'site.toml: source[1].details."driver name" (source "b"): '
        "expected text or a whole number or a number or true or false, got a list",
    ]


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(
    ("line", "key", "problem"),
    [
        ("count = 1.0", "count", "expected a whole number, got 1.0"),
        ("count = true", "count", "expected a whole number, got true"),
        ("count = '1'", "count", 'expected a whole number, got "1"'),
        ("count = -1", "count", "'count' must be >= 0: -1"),
        ("ratio = '1'", "ratio", 'expected a number, got "1"'),
        ("ratio = true", "ratio", "expected a number, got true"),
        ("ratio = 1" + "0" * 400, "ratio", "expected a number, got a number of over 60 digits"),
        ("enabled = 'true'", "enabled", 'expected true or false, got "true"'),
        ("enabled = 1", "enabled", "expected true or false, got 1"),
        ("wait = []", "wait", 'expected a duration like "30s", "1.5 min" or "1h30m", or seconds, got a list'),
        ("wait = -1", "wait", "a duration cannot be negative, got -1"),
        ("limit = 1.5", "limit", 'expected a size like "64KiB" or "1MB", or a whole number of bytes, got 1.5'),
        ("rest = 'x'", "rest", 'expected a duration like "30s", "1.5 min" or "1h30m", got "x"'),
        ("note = 1", "note", "expected text, got 1"),
        ("level = 'mid'", "level", 'expected "low" or "high", got "mid"'),
        ("level = 1", "level", 'expected "low" or "high", got 1'),
        ("mode = 'slow'", "mode", 'expected "fast" or "safe", got "slow"'),
        ("grade = 'bad'", "grade", 'expected "fine" or "coarse", got "bad"'),
        ("file = 1", "file", "expected a path, got 1"),
        ("file = ''", "file", 'expected a path, got ""'),
        ("names = 'a'", "names", 'expected a list of text, got "a"'),
        ("names = ['a', 1]", "names[1]", "expected text, got 1"),
        ("waits = 5", "waits", "expected a list of durations, got 5"),
        ("details = 'a'", "details", 'expected a table of text or whole number or number or true or false, got "a"'),
        ("either = 'x'", "either", 'expected "auto" or a number, got "x"'),
        ("either = 2000-01-01", "either", 'expected "auto" or a number, got 2000-01-01'),
        ("tls = 1", "tls", "expected a table, got 1"),
        ("tls = {}", "tls.certificate", "is required, and not there"),
        ("tls = {certificate = 'c', versions = ['1.1']}", "tls.versions[0]", 'expected "1.2" or "1.3", got "1.1"'),
        ("tls = {certificate = 'c', verfy = true}", "tls.verfy", 'there is no such option; did you mean "verify"?'),
        ("strem = 'x'", "strem", 'there is no such option; did you mean "stream"?'),
        ("stream = 1", "stream", "expected text, got 1"),
        ("max_connections = 0", "max_connections", "'max_connections' must be > 0: 0"),
    ],
)
def test_a_wrong_value_is_one_problem_that_says_what_would_be_right(problems, line, key, problem):
    assert problems(f"{SOURCE}{line}") == [f'site.toml: source[0].{key} (source "a"): {problem}']


def test_an_unknown_key_far_from_all_lists_what_there_is(problems):
    assert problems("topics.zzz = 1") == [
        "site.toml: topics.zzz: there is no such option; there are: transport, max_retained"
    ]


def test_an_unknown_table_far_from_all_lists_what_there_is(problems):
    [problem] = problems("[zzz]")
    assert problem.endswith(
        "there are: site, buffer, topics, edge, auth, archive, fanout, json, pruner, logging, source, status, command, "
        "alarm"
    )


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("edge = 5", "site.toml: edge: expected a table [edge]"),
        ("site = 'x'", "site.toml: site: expected a table [site]"),
        ("[[fanout]]", "site.toml: fanout: expected a table [fanout]"),
        ("[source]\nname = 'a'", "site.toml: source: expected one [[source]] table for each source"),
        ("source = [1]", "site.toml: source: expected one [[source]] table for each source"),
    ],
)
def test_what_is_no_table_is_a_problem(problems, document, problem):
    assert problems(document) == [problem]


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(
    ("table", "key", "problem"),
    [
        ("[topics]", "topics", "no transport 'x' is installed; there are: broken, "),
        ("[edge]", "edge", "no transport 'x' is installed; there are: broken, "),
        (
            "[[source]]\nname='a'",
            'source[0].transport (source "a")',
            "no transport 'x' is installed; there are: broken",
        ),
    ],
)
def test_a_transport_that_is_not_installed_lists_those_that_are(problems, table, key, problem):
    [line] = problems(f"{table}\ntransport = 'x'\noption = 1")
    assert line.startswith(f"site.toml: {key if 'source' in key else key + '.transport'}: {problem}")
    assert "memory" in line


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize(
    ("transport", "problem"),
    [
        ("broken", "transport 'broken' (fake_transports:MISSING) does not load: "),
        ("odd", "transport 'odd': fake_transports:NO_TRANSPORT is a str, not a Transport"),
        ("lazy", '"lazy" cannot be a source, only a buffer or an edge; installed ones that can: claiming, csv, '),
        ("claiming", '"claiming" has options called stream, which [source] keeps for itself'),
    ],
)
def test_a_transport_that_cannot_be_used_is_a_problem(problems, transport, problem):
    [line] = problems(f"[[source]]\nname = 'a'\ntransport = '{transport}'")
    assert line.startswith(f'site.toml: source[0].transport (source "a"): {problem}')


def test_a_transport_that_is_no_text_is_one_problem(problems):
    assert problems("edge.transport = 5") == ["site.toml: edge.transport: expected text, got 5"]


def test_a_source_needs_a_transport(problems):
    assert problems('[[source]]\nname = "a"') == [
        'site.toml: source[0].transport (source "a"): is required, and not there'
    ]


@pytest.mark.usefixtures("plug_ins")
def test_no_two_sources_have_one_name(problems):
    assert problems(SOURCE + SOURCE) == [
        'site.toml: source[1].name (source "a"): source[0] has this name already; each needs its own'
    ]


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize("name", ["", "a b", "ä", "a/b", "a\\n", "-a", "a" * 101])
def test_a_name_of_a_source_has_only_what_a_name_can_have(problems, name):
    [line] = problems(SOURCE.replace('"a"', f'"{name}"'))
    right = 'letters, digits, ".", "_" and "-", no "-" at the beginning, and 100 characters at most'
    assert f'expected {right}, got "{name[:78]}' in line
    assert "\n" not in line


@pytest.mark.usefixtures("plug_ins")
def test_options_that_contradict_each_other_are_a_problem_of_their_table(problems, load):
    span = '[[source]]\nname = "a"\ntransport = "span"\n'
    assert problems(f"{span}first = 2\nlast = 1") == [
        'site.toml: source[0] (source "a"): first is 2; it must not be over last, which is 1'
    ]
    assert load(f"{span}last = 1").sources[0].options == Span(0, 1)


@pytest.mark.usefixtures("plug_ins")
def test_a_validator_may_look_at_other_options(problems, load):
    ordered = '[[source]]\nname = "a"\ntransport = "ordered"\n'
    assert problems(f"{ordered}low = 6") == [
        'site.toml: source[0] (source "a"): low is 6; it must not be over last, which is 5'
    ]
    assert load(f"{ordered}low = 4").sources[0].options == Ordered(5, 4)


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize("name", ["a/b", "Rennen 1", "æ", "x" * 200])
def test_a_stream_of_the_buffer_may_be_called_almost_anything(load, name):
    assert load(f'{SOURCE}stream = "{name}"\n').sources[0].stream == name


@pytest.mark.usefixtures("plug_ins")
@pytest.mark.parametrize("name", ["", "-rf", "x" * 201, "a\\n", "a\\u007F", "a\\u202E"])
def test_a_stream_of_the_buffer_has_a_name_that_can_be_printed(problems, name):
    [line] = problems(f'{SOURCE}stream = "{name}"\n')
    assert "source[0].stream" in line
    assert "expected up to 200 characters that can be printed" in line
    assert line.isprintable()


def test_a_file_that_is_too_large_is_not_read(problems):
    assert problems("x = 1\n" * 2_000_000) == ["site.toml: is larger than 8 MiB, which no configuration is"]


def test_many_keys_that_are_no_options_are_counted_and_the_first_ones_named(problems):
    found = problems("[fanout]\n" + "".join(f"k{i:06} = 1\n" for i in range(50_000)))
    assert found[0] == "site.toml: fanout: has 50000 keys that are no options; these are the first 20"
    assert len(found) == 21


@pytest.mark.usefixtures("plug_ins")
def test_no_more_than_a_hundred_problems_are_listed(problems):
    found = problems('[[source]]\ntransport = "span"\n' * 1000)
    assert len(found) == 101
    assert found[-1] == "there are more problems; these are the first 100"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            'url = "http://a:1"\ntoken = "t"\ntoken_file = "f"',
            "archive.token_file: there is a token too; give one of them",
        ),
        ('token = "t"', "archive.token: it is for another service, and there is no url of one"),
        ('token_file = "f"', "archive.token_file: it is for another service, and there is no url of one"),
    ],
)
def test_a_token_for_another_service_is_given_once_and_for_one(problems, table, problem):
    assert [found.removeprefix("site.toml: ") for found in problems(f"[archive]\n{table}")] == [problem]
