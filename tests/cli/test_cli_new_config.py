"""`rta config new` writes a configuration that can be used as it is, and says in it what else there is."""

from __future__ import annotations

import os
import re
import tomllib
from itertools import product

import pytest

from rta.config import build_config


@pytest.fixture
def here(tmp_path, monkeypatch, site):
    """A working directory with a lap in it."""
    site()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("redis", "broker", "file"), list(product([False, True], repeat=3)))
def test_what_it_writes_passes_the_check(command, here, redis, broker, file):
    arguments = ["--redis"] * redis + ["--broker"] * broker + ["--from", "lap.csv"] * file
    written = command("config", "new", *arguments, "--output", "new.toml")
    assert written.status == 0
    checked = command("check", "--config", "new.toml")
    buffer = "redis" if redis else "memory"
    sources = "lap (csv)" if file else "none"
    assert checked.out == f"new.toml: ok; buffer {buffer}, edge websocket, sources: {sources}\n"
    assert command("config", "new", *arguments).out == (here / "new.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("redis", "broker"), list(product([False, True], repeat=2)))
def test_what_is_left_out_in_it_can_be_put_in(command, redis, broker):
    text = command("config", "new", *["--redis"] * redis, *["--broker"] * broker).out
    config = build_config(tomllib.loads(re.sub(r"^#(?=[^ ])", "", text, flags=re.MULTILINE)), {})
    assert [source.name for source in config.sources] == ["drive"]
    assert len(config.statuses) == broker
    assert str(config.site.state_dir) == "state"


def test_every_option_has_its_help_and_no_line_is_too_long(command):
    text = command("config", "new", "--redis", "--broker").out
    assert "# TCP port; 0 takes a free one and says which.\nport = 8180\n" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_file_that_is_there_is_replaced_only_by_force(command, here):
    (here / "site.toml").write_text("mine")
    refused = command("config", "new", "--output", "site.toml")
    assert refused.status == 2
    assert "site.toml is there already; --force replaces it" in refused.err
    assert (here / "site.toml").read_text() == "mine"
    assert command("config", "new", "--output", "site.toml", "--force").status == 0
    assert command("check", "--config", "site.toml").status == 0


def test_a_recording_is_found_from_where_the_configuration_is(command, here):
    (here / "etc").mkdir()
    assert command("config", "new", "--from", "lap.csv", "--output", "etc/site.toml").status == 0
    assert command("check", "--config", "etc/site.toml").status == 0


def test_a_recording_that_is_not_there_is_refused(command, here):
    refused = command("config", "new", "--from", "none.csv", "--output", "new.toml")
    assert refused.status == 2
    assert "none.csv" in refused.err
    assert not (here / "new.toml").exists()


@pytest.mark.parametrize(
    "name", ['a "b" c.csv', "Zählung.csv", "--.csv", "tab\there.csv", "del\x7f.csv", "x" * 200 + ".csv"]
)
def test_any_name_of_a_file_can_be_written(command, here, name):
    os.replace(here / "lap.csv", here / name)
    assert command("config", "new", f"--from={name}", "--output", "new.toml").status == 0
    assert command("check", "--config", "new.toml").status == 0
