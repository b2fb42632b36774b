"""Time zones are found by their names."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from rta.ports import find_zone, zone_fault


def test_a_zone_is_found_by_its_name():
    assert find_zone("America/Chicago") == ZoneInfo("America/Chicago")


def test_utc_needs_no_time_zone_database():
    assert find_zone("UTC") is UTC


@pytest.mark.parametrize("name", ["", "Nowhere/Else", "../etc/passwd", "/etc/localtime", "Europe", "a\0b"])
def test_what_is_no_zone_is_not_found(name):
    assert find_zone(name) is None


def test_a_zone_that_is_there_has_no_fault():
    assert zone_fault("UTC") is None
    assert zone_fault("Europe/Copenhagen") is None


def test_a_name_that_is_none_is_told_from_a_machine_without_zones(monkeypatch):
    assert zone_fault("Europe/Nowhere") == 'there is no such zone; a name like "Europe/Copenhagen" would be right'
    monkeypatch.setattr("rta.ports.zones.available_timezones", set)
    assert zone_fault("Mars") == "there is no time zone database on this machine: the package tzdata has one"
