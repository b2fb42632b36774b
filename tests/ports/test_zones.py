"""Time zones are found by their names."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from rta.ports import find_zone


def test_a_zone_is_found_by_its_name():
    assert find_zone("America/Chicago") == ZoneInfo("America/Chicago")


def test_utc_needs_no_time_zone_database():
    assert find_zone("UTC") is UTC


@pytest.mark.parametrize("name", ["", "Nowhere/Else", "../etc/passwd", "/etc/localtime", "Europe", "a\0b"])
def test_what_is_no_zone_is_not_found(name):
    assert find_zone(name) is None
