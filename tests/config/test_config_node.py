"""What `[site]` says of the node on the topic bus."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rta.config import build_config, check_config
from rta.ports import Context
from rta.rsmp.names import NODE
from rta.rsmp.topics import valid_node


def checked(config) -> list[str]:
    return check_config(config, lambda name: Context(name, config.folder, lambda: 0, None))


def test_a_node_has_an_id_and_a_zone_and_neither_state_nor_administration_by_default(load):
    config = load("")
    assert (config.site.node, config.site.zone, config.state_dir) == ("rta", UTC, None)
    assert not config.site.administration


def test_all_of_it_can_be_said(load, tmp_path):
    config = load(
        '[site]\nnode = "dk/cph/tlc-001"\ntimezone = "America/Chicago"\nstate_dir = "state"\nadministration = true'
    )
    assert (config.site.node, config.site.zone) == ("dk/cph/tlc-001", ZoneInfo("America/Chicago"))
    assert config.site.administration
    assert config.state_dir == tmp_path / "state"
    assert config.warnings == []


def test_variables_say_it_too(load):
    config = load("", RTA_SITE__NODE="45fe", RTA_SITE__STATE_DIR="/var/lib/rta", RTA_SITE__ADMINISTRATION="yes")
    assert (config.site.node, config.state_dir, config.site.administration) == ("45fe", Path("/var/lib/rta"), True)


@pytest.mark.parametrize("node", ["45fe", "dk/cph/tlc-001", "a$", "x/$y", "ä", "a" * 200])
def test_an_id_is_made_of_levels_of_a_topic(node):
    assert NODE.pattern.fullmatch(node)
    assert valid_node(node)


@pytest.mark.parametrize(
    "node", ["", "/", "a/", "/a", "a//b", "a/+", "#", "a#b", "$SYS", "$a/b", "a b", "a\n", "a\0", "a" * 201]
)
def test_what_is_no_id_is_a_problem_that_says_what_is(node):
    with pytest.raises(ValueError, match='expected a node id: levels joined by "/"'):
        NODE(None, None, node)


def test_a_bad_id_carries_its_key(problems):
    [problem] = problems('site.node = "a//b"')
    assert problem.startswith("site.toml: site.node: expected a node id: ")


@pytest.mark.parametrize("zone", ["", "Nowhere/Else", "CEST+1", "../etc/passwd"])
def test_an_unknown_zone_is_a_problem(problems, zone):
    assert problems(f'site.timezone = "{zone}"') == [
        f'site.toml: site.timezone: expected a time zone\'s IANA name, got "{zone}": '
        'there is no such zone; a name like "Europe/Copenhagen" would be right'
    ]


def test_administration_without_a_place_for_its_changes_is_a_warning(load):
    assert load("site.administration = true").warnings == [
        "site.administration needs site.state_dir: without it, every change is refused"
    ]


def test_a_state_directory_need_not_be_there(load):
    assert checked(load('site.state_dir = "a/b"')) == []


def test_a_state_directory_that_is_a_file_is_a_problem(load, tmp_path):
    (tmp_path / "a").touch()
    assert checked(load('site.state_dir = "a/b"')) == [
        f"{tmp_path}/site.toml: site.state_dir: {tmp_path}/a is no folder"
    ]


def test_a_state_directory_that_cannot_be_written_is_a_problem(load, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert checked(load('site.state_dir = "."')) == [
        f"{tmp_path}/site.toml: site.state_dir: the folder {tmp_path} cannot be written to"
    ]


def test_without_a_file_the_state_directory_is_relative_to_where_we_are():
    assert build_config({"site": {"state_dir": "s"}}, {}).state_dir == Path.cwd() / "s"
