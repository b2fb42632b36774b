"""Time zones by name."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, available_timezones

__all__ = ["find_zone", "zone_fault"]


def find_zone(name: str) -> tzinfo | None:
    """The zone of an IANA name; None where there is none."""
    if name == "UTC":
        return UTC  # needs no time zone database
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def zone_fault(name: str) -> str | None:
    """Why there is no zone of this name; None: there is one."""
    if find_zone(name) is not None:
        return None
    if not available_timezones():
        return "there is no time zone database on this machine: the package tzdata has one"
    return 'there is no such zone; a name like "Europe/Copenhagen" would be right'
