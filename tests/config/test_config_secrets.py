"""What is wrong with a configuration is said without its secrets."""

from __future__ import annotations

import itertools

import pytest
from attrs import fields
from hypothesis import example, given
from hypothesis import strategies as st
from rta_transports.mqtt.options import MqttTopicsOptions
from rta_transports.mqtt.source_options import MqttSourceOptions
from rta_transports.redis.options import RedisLogOptions

from rta.config import build_config
from rta.errors import ConfigError
from rta.formatting import shown_url
from rta.ports import SECRET

PARTS = ("S3CR3T", "Zq7", "wXv")
"""Of a password, with something between them that means something in a URL."""


def told(document: dict, **environ: str) -> str:
    """All that is said of a configuration, and of its options."""
    try:
        config = build_config(document, environ)
    except ConfigError as e:
        return str(e)
    return "\n".join([*config.warnings, repr(config)])


def says_nothing(text: str) -> bool:
    return not any(part.casefold() in text.casefold() for part in PARTS)


@given(st.lists(st.sampled_from([*"/?#@:[]%=&,;. ", "://", ":6379/", "%2", "@h:1/"]), min_size=2, max_size=2))
@example(["/", "/"])
@example([":", "/"])
def test_a_password_in_the_url_of_redis_is_not_told_however_wrong_the_url_is(between: list[str]) -> None:
    secret = "".join(itertools.chain(*zip(PARTS, [*between, ""], strict=True)))
    for user in ("", "rta"):
        for place in ("127.0.0.1:6379/0", "127.0.0.1:port/0", "127.0.0.1:6379/x", "[::1"):
            url = f"redis://{user}:{secret}@{place}"
            assert says_nothing(told({"buffer": {"transport": "redis", "url": url}}))
            assert says_nothing(told({"buffer": {"transport": "redis"}}, RTA_BUFFER__URL=url))
            assert says_nothing(told({}, RTA_RedisConnectionString=f"a:6379,password={secret}"))
            assert says_nothing(shown_url(url))


@pytest.mark.parametrize("value", [5313375, 531.3375, ["5313375"], {"5313375": "5313375"}, True])
@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"buffer": {"transport": "redis"}}, "password"),
        ({"buffer": {"transport": "redis"}}, "sentinel_password"),
        ({"buffer": {"transport": "redis"}}, "url"),
        ({"topics": {"transport": "mqtt"}}, "password"),
        ({"source": [{"name": "a", "transport": "mqtt", "nodes": ["a"]}]}, "password"),
    ],
)
def test_a_secret_of_another_type_is_not_told(document: dict, key: str, value: object) -> None:
    (name, table), *_ = document.items()
    options = (table[0] if isinstance(table, list) else table) | {key: value}
    said = told({name: [options] if isinstance(table, list) else options})
    assert "531" not in said
    assert "expected text; what is there is a secret, and not shown" in said


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (RedisLogOptions, {"url", "password", "sentinel_password"}),
        (MqttTopicsOptions, {"password"}),
        (MqttSourceOptions, {"password"}),
    ],
)
def test_the_options_that_are_secrets_are_marked_and_not_in_the_repr(cls: type, names: set[str]) -> None:
    assert {f.name for f in fields(cls) if f.metadata.get(SECRET)} == names
    assert {f.name for f in fields(cls) if not f.repr} == names
    assert {f.name for f in fields(cls) if "password" in f.name and "file" not in f.name} <= names


@pytest.mark.parametrize("text", ["a,password=S3CR3T,Zq7=1", "a,password=S3CR3T,Zq7", "a,password=x,ssl=S3CR3T"])
def test_what_follows_the_comma_of_a_password_is_not_told(text: str) -> None:
    said = told({}, RTA_RedisConnectionString=text)
    assert "S3CR3T" not in said
    assert "Zq7=" not in said


@pytest.mark.parametrize(
    "document",
    [
        {"buffer": "redis://:S3CR3T@h:6379"},
        {"topics": "S3CR3T"},
        {"source": ["redis://:S3CR3T@h"]},
        {"buffer": {"transport": "redis://:S3CR3T@h:6379"}},
    ],
)
def test_a_url_in_the_place_of_a_table_or_of_a_transport_is_not_told(document: dict) -> None:
    assert "S3CR3T" not in told(document)


def test_a_connection_string_with_an_odd_truth_is_a_problem() -> None:
    assert "expected true or false as ssl" in told({}, RTA_RedisConnectionString="a,password=x,ssl=maybe")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://u:p@h:6379/0", "redis://***@h:6379/0"),
        ("redis://u:p/q@h:6379/0", "redis://***@h:6379/0"),
        ("redis://u:p@q@h?password=x", "redis://***@h"),
        ("u:p@h:1883", "***@h:1883"),
        ("h:1883", "h:1883"),
        ("u@x://h", "***"),
        ("redis://h:6379/0#x", "redis://h:6379/0"),
        ("redis://:p://q@h", "redis://***@h"),
    ],
)
def test_a_url_is_shown_without_who_we_are(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    "url", ["redis://h/x", "redis://h:x/0", "redis://:a/b@h/0", "redis://h?client_name=x", "http://h"]
)
def test_a_url_that_says_something_else_is_a_problem(url: str) -> None:
    assert "buffer.url: " in told({"buffer": {"transport": "redis", "url": url}})
