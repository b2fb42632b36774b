"""The options of the reference implementation."""

from __future__ import annotations

import pytest

from rta.config import load_config


@pytest.mark.parametrize("variable", ["RTA_EnableAuth", "RTA_ENABLEAUTH", "rta_enable_auth"])
@pytest.mark.parametrize("value", ["true", "True", "TRUE", "1", "yes", " true "])
def test_one_has_to_sign_in_where_authentication_is_asked_for(load, variable, value):
    assert load("[auth]\nenabled = false", **{variable: value}).auth.enabled


@pytest.mark.parametrize("value", ["false", "False", "0", "no", ""])
def test_one_does_not_have_to_where_it_is_not(load, value):
    config = load("[auth]\nenabled = true", RTA_EnableAuth=value)
    assert not config.auth.enabled
    assert config.warnings == []


def test_something_else_is_not_taken_for_no(problems):
    [line] = problems("", RTA_EnableAuth="enabled")
    assert line.startswith("RTA_EnableAuth (auth.enabled): expected true or false")


def test_options_of_a_redis_we_do_not_have_are_one_warning(load):
    without_effect = ["RTA_RedisDb", "RTA_Trimmer__ApproxLength"]
    config = load("", RTA_SERVICE_HOST="x", **dict.fromkeys(without_effect, "value"))
    assert config.warnings == [
        "recognised, but without effect here: " + ", ".join(without_effect),
        "unknown environment variables, left out: RTA_SERVICE_HOST",
    ]


def test_the_trimmer_is_configured_as_it_was(load):
    config = load("", RTA_EnableTrimmer="false", RTA_Trimmer__TargetStreamLength="500", RTA_TRIMMER__INTERVAL="7")
    assert (config.pruner.enabled, config.pruner.max_entries, config.pruner.interval) == (False, 500, 7.0)
    assert config.warnings == []


def test_a_connection_string_puts_the_buffer_on_redis_whatever_it_was_on(load):
    config = load('[buffer]\ntransport = "memory"\nmax_bytes = "1MiB"', RTA_RedisConnectionString="redis-a")
    assert config.buffer.transport == "redis"
    assert config.buffer.options.url == "redis://redis-a:6379/0"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("redis-a:7000", {"url": "redis://redis-a:7000/0", "mode": "single", "password": None}),
        (
            "redis-a, PASSWORD = s=e/c@r:et ,SSL=True",
            {"url": "rediss://redis-a:6379/0", "password": "s=e/c@r:et"},
        ),
        ("a,defaultDatabase=3,user=me", {"url": "redis://a:6379/3", "user": "me"}),
        ("a,connectTimeout=1500,syncTimeout=2500,abortConnect=false", {"timeout": 2.5}),
        (
            "a,b:26380,serviceName=primary",
            {"mode": "sentinel", "service": "primary", "sentinels": ["a:26379", "b:26380"]},
        ),
        ("a:1,b:2", {"mode": "cluster", "url": "redis://a:1/0"}),
        ("[::1]:7000", {"url": "redis://[::1]:7000/0"}),
    ],
)
def test_connection_strings_are_understood(load, text, options):
    config = load("", RTA_redisconnectionstring=text)
    assert {k: getattr(config.buffer.options, k) for k in options} == options
    assert config.warnings == []


def test_the_database_has_a_variable_of_its_own(load):
    config = load("", RTA_RedisConnectionString="a", RTA_RedisDb="5")
    assert config.buffer.options.url == "redis://a:6379/5"


def test_what_is_not_known_of_a_connection_string_is_one_warning_without_secrets(load):
    config = load("", RTA_RedisConnectionString="a,password=geheim,sslHost=x,tunnel=y")
    assert config.warnings == ["RTA_RedisConnectionString: unknown options, left out: sslHost, tunnel"]


@pytest.mark.parametrize("text", ["password=geheim", "a,password=geheim,defaultDatabase=x", "a,syncTimeout=geheim"])
def test_a_connection_string_that_cannot_be_is_a_problem_without_secrets(problems, text):
    [line] = problems("", RTA_RedisConnectionString=text)
    assert line.startswith("RTA_RedisConnectionString: expected")
    assert "geheim" not in line


def test_approximate_trimming_is_redis_business(load):
    config = load("", RTA_RedisConnectionString="a", RTA_Trimmer__ApproxLength="true")
    assert config.buffer.options.approximate


def test_who_names_a_redis_and_no_file_gets_an_edge_without_the_demo(tmp_path):
    assert load_config(None, {"RTA_RedisConnectionString": "a"}).sources == []
    assert load_config(None, {}).sources != []
