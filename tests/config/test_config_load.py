"""A TOML file becomes a configuration, or all its problems at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from fake_transports import Everything, Grade, Mode, Tls
from rta_transports.memory import MemoryLogOptions, MemoryTopicsOptions
from rta_transports.websocket.options import EdgeOptions

from rta.config import LoggingSettings, SiteSettings, build_config, load_config
from rta.errors import ConfigError
from rta.session.options import FanOutSettings, PrunerSettings

SOURCE = '[[source]]\nname = "a"\ntransport = "everything"\naddress = "x"\n'


def test_an_empty_file_is_all_defaults(load, tmp_path):
    config = load("")
    assert config.site == SiteSettings()
    assert config.site.grace == 10.0
    assert config.logging == LoggingSettings()
    assert config.fanout == FanOutSettings()
    assert config.pruner == PrunerSettings()
    assert (config.buffer.transport, config.buffer.options) == ("memory", MemoryLogOptions())
    assert (config.topics.transport, config.topics.options) == ("memory", MemoryTopicsOptions())
    assert (config.edge.transport, config.edge.options) == ("websocket", EdgeOptions())
    assert config.sources == []
    assert config.warnings == []
    assert config.path == tmp_path / "site.toml"


def test_every_table_is_read(load):
    config = load(
        """
        site = { label = "pit wall", grace = "1h30m" }
        buffer.max_bytes = "64 MiB"
        buffer.max_age = 90
        topics.max_retained = 7
        edge = { transport = "websocket", port = 9000, trusted_proxies = ["10.0.0.0/8"] }
        fanout.ring = "1MB"
        pruner = { interval = "0.5 min", session_ttl = "none" }
        logging = { level = "debug", format = "json" }
        """
    )
    assert config.site == SiteSettings(label="pit wall", grace=5400.0)
    assert config.buffer.options == MemoryLogOptions(max_bytes=64 << 20, max_age=90.0)
    assert config.topics.options == MemoryTopicsOptions(max_retained=7)
    assert config.edge.options == EdgeOptions(port=9000, trusted_proxies=["10.0.0.0/8"])
    assert config.fanout == FanOutSettings(ring=1_000_000)
    assert config.pruner == PrunerSettings(interval=30.0, session_ttl=None)
    assert config.logging == LoggingSettings(level="debug", format="json")


@pytest.mark.usefixtures("plug_ins")
def test_every_kind_of_option_is_read(load):
    config = load(
        SOURCE
        + """
        stream = "s"
        count = 9
        ratio = 2
        enabled = true
        wait = "100ms"
        limit = 10
        rest = "none"
        note = "none"
        level = "high"
        mode = "safe"
        grade = "coarse"
        file = "there/file"
        names = ["b", "c"]
        waits = ["1s", 2]
        kinds = ["k", "k"]
        details = { a = 1, b = "two", c = 2.5, d = true }
        either = 3
        anything = [1, { x = 1979-05-27 }]
        tls = { certificate = "c.pem", versions = ["1.2"] }
        """
    )
    [source] = config.sources
    assert (source.name, source.transport, source.stream) == ("a", "everything", "s")
    options = source.options
    assert isinstance(options.ratio, float)
    assert isinstance(options.grade, Grade)
    assert evolve(options, anything=None) == Everything(
        address="x",
        count=9,
        ratio=2.0,
        enabled=True,
        wait=0.1,
        limit=10,
        rest=None,
        note="none",
        level="high",
        mode=Mode.SAFE,
        grade=Grade.COARSE,
        file=Path("there/file"),
        names=["b", "c"],
        waits=(1.0, 2.0),
        kinds=frozenset({"k"}),
        details={"a": 1, "b": "two", "c": 2.5, "d": True},
        either=3.0,
        tls=Tls(Path("c.pem"), True, ["1.2"]),
    )
    assert options.anything[0] == 1
    assert {k: type(v) for k, v in options.details.items()} == {"a": int, "b": str, "c": float, "d": bool}


@pytest.mark.usefixtures("plug_ins")
def test_a_source_is_put_on_a_stream_of_its_own_name(load):
    assert load(SOURCE).sources[0].stream == "a"


def test_a_document_can_be_given_parsed_and_is_not_changed():
    document = {"edge": {"port": 1}}
    config = build_config(document, {"RTA_EDGE__PORT": "2"})
    assert config.edge.options.port == 2
    assert config.path is None
    assert document == {"edge": {"port": 1}}


def test_a_problem_without_a_file_names_the_key():
    with pytest.raises(ConfigError, match=r"^edge\.port: expected a whole number, got true$"):
        build_config({"edge": {"port": True}}, {})


def test_the_named_file_goes_before_the_variable_and_the_variable_before_the_default(tmp_path):
    for name in ("named", "variable", "default"):
        (tmp_path / name).write_text(f'site.label = "{name}"')
    named, variable, default = (tmp_path / name for name in ("named", "variable", "default"))
    environ = {"rta_config": str(variable)}
    assert load_config(named, environ, default).site.label == "named"
    assert load_config(None, environ, default).site.label == "variable"
    assert load_config(None, {}, default).site.label == "default"
    assert load_config(None, environ, default).warnings == []
    assert load_config(None, environ, default).path == variable


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path):
    (tmp_path / "w.toml").write_bytes(b'\xef\xbb\xbf[site]\r\nlabel = "w"\r\n')
    assert load_config(tmp_path / "w.toml", {}).site.label == "w"


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(ConfigError, match=r"^cannot read the configuration .*none\.toml: No such file"):
        load_config(tmp_path / "none.toml", {})


def test_a_file_that_the_variable_names_in_vain_is_a_problem_of_the_variable(tmp_path):
    with pytest.raises(ConfigError, match=r"^RTA_CONFIG: cannot read the configuration .*: Is a directory"):
        load_config(None, {"RTA_CONFIG": str(tmp_path)})


def test_a_syntax_error_is_one_problem_with_its_line_and_column(problems):
    assert problems("[site]\nlabel = = 1\n") == ["site.toml, line 2, column 9: is not TOML: Invalid value"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'label = "\xff"', "is not UTF-8 text, at byte 9"),
        (b"a = " + b"[" * 100_000, "is nested too deeply"),
        (b"a = " + b"1" * 5000, "is not TOML: "),
        (b"a = '", "is not TOML: "),
    ],
)
def test_what_cannot_be_parsed_is_one_problem(tmp_path, content, problem):
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "x.toml", {})
    assert len(caught.value.problems) == 1
    assert problem in caught.value.problems[0]


def test_deep_tables_are_no_trouble(problems):
    deep = ".".join(["a"] * 1500)
    assert len(problems(f"{deep} = 1\nsite.{deep} = 1\nedge.{deep} = 1")) == 3
