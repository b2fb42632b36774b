"""Who listens beyond this machine is told that there is no sign-in yet."""

from __future__ import annotations

import pytest

from rta.config import build_config


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "rta.localhost"])
def test_this_machine_alone_is_nothing_to_say(host):
    assert build_config({"edge": {"host": host}}, {}).warnings == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "rta.example.com", "localhost.example.com"])
def test_other_addresses_are_warned_about(host):
    [warning] = build_config({"edge": {"host": host}}, {}).warnings
    assert warning == (
        f"edge.host: {host} can be reached from elsewhere, and there is no sign-in yet: whoever reaches it may use it"
    )


def test_no_host_is_every_address():
    [warning] = build_config({"edge": {"host": ""}}, {}).warnings
    assert warning.startswith("edge.host: every address of this machine can be reached from elsewhere")


@pytest.mark.usefixtures("plug_ins")
def test_an_edge_that_does_not_say_where_it_listens_is_not_judged():
    assert build_config({"edge": {"transport": "lazy"}}, {}).warnings == []
