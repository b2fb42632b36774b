"""The limits of JSON from outside are settings."""

from __future__ import annotations

import pytest

from rta.config import build_config
from rta.errors import ConfigError
from rta.site import Site
from rta.wire.json_text import CONFIGURATION_LIMITS, SESSION_LIMITS, JsonLimits


def test_without_a_table_the_limits_are_those_of_the_protocol() -> None:
    found = build_config({}, {})
    assert found.json.session == SESSION_LIMITS
    assert found.json.configuration == CONFIGURATION_LIMITS


def test_transports_get_what_the_table_says() -> None:
    table = {"session_size": "1MiB", "session_items": 10, "configuration_items": 20, "depth": 5}
    found = build_config({"json": table}, {"RTA_JSON__CONFIGURATION_SIZE": "2MiB"})
    assert Site(found).context("buffer").session_json == JsonLimits(1 << 20, 10, 5)
    assert found.json.configuration == JsonLimits(2 << 20, 20, 5)


@pytest.mark.parametrize("table", [{"session_size": "17MiB"}, {"depth": 0}, {"session_items": 0}])
def test_a_limit_that_cannot_be_is_a_problem(table: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"json\."):
        build_config({"json": table}, {})
