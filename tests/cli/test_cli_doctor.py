"""`rta doctor` prints what the buffer's transport has found, and exits with 1 if there are problems."""

from __future__ import annotations

import json

import pytest
from conftest import SITE
from real_servers import RedisServer

ON_REDIS = """
[buffer]
transport = "redis"
url = "{}"
"""


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """With a session of which nothing has been streamed."""
    redis_server.ask("HSET", "sessions:s-1", "streamSessionId", "1", "streamName", "car", "streamPosition", "0-0")
    redis_server.ask("XADD", "stream:car", "*", "id", "1", "data", b"\x04\x22\x4d\x18")
    redis_server.ask("SADD", "streams", "car")
    return redis_server


def test_a_buffer_in_memory_cannot_be_examined(command, site):
    looked = command("doctor", "--config", site())
    assert (looked.status, looked.err) == (0, "")
    assert 'there is nothing to examine: the buffer is "memory"' in looked.out


def test_a_report_for_people(command, redis):
    looked = command("doctor", "--redis", redis.url, "s-1")
    assert (looked.status, looked.err) == (1, "")
    assert 'problem  session "s-1" cannot be streamed' in looked.out
    assert "ok       Redis answers at" in looked.out
    assert "do:" in looked.out
    assert "problems, " in looked.out.splitlines()[-1]


def test_a_report_for_machines(command, redis):
    looked = command("doctor", "--redis", redis.url, "--json")
    assert (looked.status, looked.err) == (1, "")
    found = {line["code"]: line for line in map(json.loads, looked.out.splitlines())}
    assert found["entry.lz4-frame"]["severity"] == "problem"
    assert found["sessions"]["rows"][0]["session"] == "s-1"
    for finding in found.values():
        assert {"severity", "code", "title", "detail", "advice"} <= finding.keys()


def test_without_problems_it_exits_with_0(command, redis_server):
    looked = command("doctor", "--redis", redis_server.url)
    assert (looked.status, looked.err) == (0, "")
    assert looked.out.splitlines()[-1] == "1 warning"


def test_the_configured_redis(command, site, redis):
    config = site(SITE + ON_REDIS.format(redis.url))
    assert "s-1" in command("doctor", "--config", config).out
    elsewhere = redis.url.removesuffix("/0") + "/7"
    assert "s-1" not in command("doctor", "--config", config, "--redis", elsewhere).out


def test_the_environment_says_who_we_are(command, redis):
    looked = command("doctor", "--redis", redis.url, RTA_BUFFER__PASSWORD="secret")
    assert (looked.status, looked.err) == (1, "")
    assert "a password is configured, but this Redis has none" in looked.out
    assert "secret" not in looked.out


def test_names_that_look_like_markup_are_shown_as_they_are(command, redis):
    redis.ask("HSET", "sessions:[/b]\x1b[31m", "streamSessionId", "2", "streamName", "[red]")
    looked = command("doctor", "--redis", redis.url)
    assert "[red]" in looked.out
    assert "[/b]" in looked.out
    assert "\x1b" not in looked.out


def test_the_archive_is_examined_too(command, site, tmp_path):
    config = site(SITE + f'[archive]\npath = "{tmp_path / "archive"}"\n')
    looked = command("doctor", "--config", config, "--json")
    assert (looked.status, looked.err) == (0, "")
    codes = [json.loads(line)["code"] for line in looked.out.splitlines()]
    assert codes == ["nothing", "archive.disk", "archive.sqlite", "archive.new"]


def test_the_archive_of_another_service_is_examined_there(command, site):
    looked = command("doctor", "--config", site(SITE + '[archive]\nurl = "http://recorder:8180"\n'))
    assert (looked.status, looked.err) == (0, "")
    assert "the archive is that of http://recorder:8180" in " ".join(looked.out.split())


@pytest.mark.parametrize("arguments", [["--redis", "http://x"], ["a", "b"], ["--config", "absent.toml"]])
def test_wrong_usage_exits_with_2(command, arguments):
    refused = command("doctor", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert "Traceback" not in refused.err


def test_options_that_cannot_be_used_exit_with_2(command, site):
    config = site(SITE + ON_REDIS.format("redis://x") + 'password_file = "absent"\n')
    refused = command("doctor", "--config", config)
    assert (refused.status, refused.out) == (2, "")
    assert "there is no file" in refused.err
