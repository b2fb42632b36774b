"""The options of the reference implementation."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("variable", ["RTA_EnableAuth", "RTA_ENABLEAUTH", "rta_enable_auth"])
@pytest.mark.parametrize("value", ["true", "True", "TRUE", "1", "yes", " true "])
def test_the_service_refuses_to_start_where_authentication_is_asked_for(problems, variable, value):
    [line] = problems("", **{variable: value})
    assert line.startswith(f"{variable}: asks for authentication, which does not exist yet, so the service refuses to")


@pytest.mark.parametrize("value", ["false", "False", "0", "no", ""])
def test_no_authentication_is_what_there_is(load, value):
    assert load("", RTA_EnableAuth=value).warnings == []


def test_something_else_is_not_taken_for_no(problems):
    assert problems("", RTA_EnableAuth="enabled") == ['RTA_EnableAuth: expected true or false, got "enabled"']


def test_options_of_the_redis_buffer_are_one_warning_of_their_own(load):
    without_effect = [
        "RTA_Auth__Audience",
        "RTA_Auth__Authority",
        "RTA_EnableTrimmer",
        "RTA_REDISCONNECTIONSTRING",
        "RTA_RedisDb",
        "RTA_Trimmer__ApproxLength",
        "RTA_Trimmer__Interval",
        "RTA_Trimmer__TargetStreamLength",
    ]
    config = load("", RTA_SERVICE_HOST="x", **dict.fromkeys(without_effect, "value"))
    assert config.warnings == [
        "unknown environment variables, left out: RTA_SERVICE_HOST",
        "recognised, but without effect until there is a Redis buffer and authentication: " + ", ".join(without_effect),
    ]
    assert "value" not in "".join(config.warnings)
