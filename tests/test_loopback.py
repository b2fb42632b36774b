"""What counts as this machine."""

from __future__ import annotations

import pytest

from rta.loopback import is_loopback_host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "localhost", "LocalHost"])
def test_this_machine(host):
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "127.0.0.1.example.com", "localhost.example.com",
     "a.localhost", "127.1", "[::1]", "2130706433"],
)  # fmt: skip
def test_any_other(host):
    assert not is_loopback_host(host)
