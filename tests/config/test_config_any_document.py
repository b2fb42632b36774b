"""Whatever a file or the environment says: a configuration, or problems of one line each."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rta.config import Config, build_config, load_config
from rta.config.tables import ORDER
from rta.errors import ConfigError

KEYS = ["transport", "name", "stream", "port", "host", "max_bytes", "keep", "level", "address", "count", "tls", "waits"]
KEYS += ["details", "either", "mode", "names", "rest", "certificate", "versions", "max_age", "ring", "anything"]
KEYS += ["code", "session", "attributes", "stream", "from", "components", "aggregate", "update", "delta", "prune"]
TEXTS = [
    "a.b",
    "channel:1",
    "topic:x#y",
    "change",
    "off",
    "avg",
    "memory",
    "websocket",
    "csv",
    "everything",
    "span",
    "broken",
    "30s",
    "64KiB",
    "none",
    "auto",
    "a",
    "",
    "true",
]

keys = st.sampled_from(KEYS) | st.text(max_size=5)
scalars = (
    st.sampled_from(TEXTS)
    | st.text(max_size=10)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.datetimes()
    | st.dates()
    | st.times()
)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(keys, v, max_size=4), max_leaves=8)
tables = st.dictionaries(keys, values, max_size=6)
documents = st.dictionaries(
    st.sampled_from(ORDER) | st.text(max_size=5), tables | st.lists(tables, max_size=3) | values, max_size=5
)
variables = st.dictionaries(
    st.builds(
        lambda *levels: "RTA_" + "__".join(levels),
        st.sampled_from(ORDER) | st.text(max_size=5),
        st.sampled_from(["a", *KEYS]) | st.text(max_size=5),
        st.sampled_from(KEYS) | st.text(max_size=5),
    )
    | st.builds("RTA_{}__{}".format, st.sampled_from(ORDER), st.sampled_from(KEYS)),
    st.sampled_from(TEXTS) | st.text(max_size=10),
    max_size=4,
)
within_fixtures = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(60)
)


def is_config_or_problems(load) -> None:
    problems = None
    try:
        assert isinstance(load(), Config)
    except ConfigError as e:
        problems = e.problems
    assert problems is None or problems
    for problem in problems or ():
        assert "\n" not in problem
        problem.encode("utf-8")


@pytest.mark.usefixtures("plug_ins")
@within_fixtures
@given(documents, variables)
def test_any_document_is_a_configuration_or_problems(document, environ):
    is_config_or_problems(lambda: build_config(document, environ))


@within_fixtures
@given(st.binary(max_size=60) | st.text(alphabet='[]{}=."#\n ab1-', max_size=60).map(str.encode))
def test_any_file_is_a_configuration_or_problems(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.toml"
        path.write_bytes(content)
        is_config_or_problems(lambda: load_config(path, {}))
