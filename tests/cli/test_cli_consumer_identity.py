"""Who the consumer's commands are to the broker, and which broker a configuration means."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from rta.cli.broker_access import read_broker_access

CENTRE = """
[[source]]
name = "plant"
transport = "mqtt"
host = "broker.example"
port = 1884
username = "ops"
password = "secret"
consumer = "centre"
nodes = ["dk/+"]
"""


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    file = tmp_path / "centre.toml"
    file.write_text(CENTRE)
    return file


@pytest.mark.parametrize("user", ["tmc", "dk/tmc"])
def test_two_commands_of_one_user_do_not_take_the_connection_from_each_other(monkeypatch, user):
    monkeypatch.setenv("RTA_TOPICS__USERNAME", user)
    first, second = (read_broker_access(None, None, None) for _ in range(2))
    assert first.consumer != second.consumer
    assert first.consumer.startswith(f"{user}/rta-")  # the tree that the access list gives to the user
    assert first.made_up


def test_a_name_of_so_many_levels_that_nodes_could_not_answer_below_it_is_our_id(monkeypatch):
    monkeypatch.setenv("RTA_TOPICS__USERNAME", "dk/cph/tmc")
    access = read_broker_access(None, None, None)
    assert (access.consumer, access.made_up) == ("dk/cph/tmc", False)


def test_who_is_named_is_nobody_else(monkeypatch):
    monkeypatch.setenv("RTA_TOPICS__USERNAME", "tmc")
    access = read_broker_access(None, None, "tmc")
    assert (access.consumer, access.made_up) == ("tmc", False)


def test_a_site_that_listens_to_nodes_says_where_the_broker_is(centre):
    access = read_broker_access(centre, None, None)
    assert access.options.address() == ("broker.example", 1884)
    assert access.consumer.startswith("ops/rta-")


def test_the_id_of_its_source_is_refused(centre):
    with pytest.raises(click.UsageError, match="say who we are by --as"):
        read_broker_access(centre, None, "centre")


def test_its_user_is_refused_where_that_is_its_id(centre, monkeypatch):
    monkeypatch.setenv("RTA_SOURCE__PLANT__USERNAME", "centre")
    with pytest.raises(click.UsageError, match="name another user"):
        read_broker_access(centre, None, None)


def test_of_two_brokers_none_is_guessed(centre):
    centre.write_text(CENTRE + CENTRE.replace('"plant"', '"other"'))
    with pytest.raises(click.UsageError, match="plant, other"):
        read_broker_access(centre, None, None)
