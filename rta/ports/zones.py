"""Time zones by name."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

__all__ = ["find_zone"]


def find_zone(name: str) -> tzinfo | None:
    """The zone of an IANA name; None where there is none."""
    if name == "UTC":
        return UTC  # needs no time zone database
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
