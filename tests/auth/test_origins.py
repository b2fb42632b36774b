"""Which pages are ours or allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.auth.origins import Origins, read_authority

ORIGINS = Origins(["https://rta.example.com", "http://wall.local:8080"], "telemetry")


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [
        ("http://127.0.0.1:8180", "127.0.0.1:8180", False),
        ("http://[::1]:8180", "[::1]:8180", False),
        ("http://LOCALHOST", "localhost:80", False),
        ("https://telemetry", "telemetry", True),
        ("https://telemetry:443", "Telemetry", True),
        ("http://192.168.1.5", "192.168.1.5", False),
        ("https://rta.example.com", "10.0.0.7:8180", False),
        ("https://rta.example.com:443", None, False),
        ("HTTP://Wall.Local:8080", "evil.example", False),
    ],
)
def test_our_own_and_allowed_pages_are_admitted(origin, host, secure):
    assert ORIGINS.admits(origin, host, secure)


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [
        ("https://evil.example", "127.0.0.1:8180", False),
        ("http://127.0.0.1:8181", "127.0.0.1:8180", False),
        ("https://127.0.0.1:8180", "127.0.0.1:8180", False),
        ("http://telemetry", "telemetry", True),
        ("http://evil.example:8180", "evil.example:8180", False),
        ("http://rta.example.com", "rta.example.com", False),
        ("https://rta.example.com.evil.example", "127.0.0.1", True),
        ("https://rta.example.com/", None, True),
        ("https://a@rta.example.com", None, True),
        ("null", "127.0.0.1:8180", False),
        ("", "127.0.0.1:8180", False),
        ("file://", "localhost", False),
        ("http://127.0.0.1:8180, http://evil.example", "127.0.0.1:8180", False),
        ("http://127.0.0.1:8180", None, False),
        ("http://127.0.0.1:8180", "127.0.0.1:8180, evil.example", False),
        ("http://" + "a" * 400, "127.0.0.1", False),
    ],
)
def test_other_pages_are_not(origin, host, secure):
    assert not ORIGINS.admits(origin, host, secure)


def test_no_name_is_ours_where_none_is_configured():
    assert not Origins([], "").admits("http://", "", False)
    assert not Origins([], "0.0.0.0").admits("http://evil.example", "evil.example", False)


@given(st.text(), st.none() | st.text(), st.booleans())
def test_any_text_is_judged(origin, host, secure):
    assert not Origins([], "").allows(origin)
    if Origins([], "").is_ours(origin, host, secure):
        assert read_authority(host) is not None


def test_hosts_by_which_we_are_reached_are_addresses_localhost_and_names_of_the_configuration():
    for host in ("127.0.0.1", "[::1]", "192.168.1.5", "localhost", "telemetry", "rta.example.com", "wall.local"):
        assert ORIGINS.knows(host)
    for host in (
        "evil.example",
        "example.com",
        "x.rta.example.com",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
    ):
        assert not ORIGINS.knows(host)
