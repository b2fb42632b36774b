"""Settings of fan-out and of the pruner."""

from __future__ import annotations

from attrs import define
from attrs.validators import and_, ge, gt, le, optional

from rta.clock_bounds import AHEAD, BEHIND, ClockBounds
from rta.ports import Duration, Size, option
from rta.wire.json_text import CONFIGURATION_LIMITS, SESSION_LIMITS, JsonLimits

__all__ = ["FanOutSettings", "JsonSettings", "PrunerSettings"]

_BACK_SCAN = 600.0  # seconds, of a shared buffer


@define
class FanOutSettings:
    """How sessions are followed and brought to clients."""

    ring: Size = option(
        "Recent bursts kept per followed session, merged ones included; clients that fall behind it are brought "
        "back from the buffer.",
        Size(32 << 20),
        validator=ge(1 << 16),
    )
    back_scan: Duration | None = option(
        "How far back from the session's last data a new subscription is filled from the buffer, by time of arrival, "
        "in whole seconds; unset: 10 minutes of a shared buffer (Redis), all that a buffer of our own holds.",
        None,
    )
    merge_delay: Duration = option(
        "Collect bursts for this long and merge them before sending; 0 sends each at once.", Duration(0.0)
    )
    max_channels: int = option(
        "Channel ids one client may have subscribed; more close the connection with 1009.", 262_144, validator=ge(1)
    )
    max_ahead: Duration | None = option(
        "How far ahead of its arrival a time range may reach; what is over it does not stretch the range that is told.",
        Duration(AHEAD),
    )
    max_behind: Duration | None = option(
        "How far behind its arrival a time range may reach; what is over it does not stretch the range that is told, "
        "unless all of the session is as old.",
        Duration(BEHIND),
    )
    linger: Duration = option("How long clients stay connected once a closed session is delivered.", Duration(5.0))
    keep: Duration = option("How long a session is still followed after its last client left.", Duration(30.0))
    poll: Duration = option("How often followed sessions are looked up in the buffer.", Duration(1.0), validator=gt(0))
    behind_limit: Duration = option(
        "A reader that has entries pending but has not moved for this long makes us unhealthy.",
        Duration(10.0),
        validator=gt(0),
    )

    @property
    def clocks(self) -> ClockBounds:
        """What time ranges may say."""
        return ClockBounds(self.max_ahead, self.max_behind)

    def back_scan_of(self, shared: bool) -> float | None:
        """Seconds of the back scan with a buffer that is shared, or that is our own; None: all that it holds."""
        return _BACK_SCAN if self.back_scan is None and shared else self.back_scan


@define
class JsonSettings:
    """How much JSON from outside may hold. More is left out before it is parsed, and counted. Items are values and
    keys, about: what is between commas, and what opens an object or a list."""

    session_size: Size = option(
        "Of a session JSON, in characters; no burst holds more than 16 MiB.",
        Size(SESSION_LIMITS.size),
        validator=and_(ge(1), le(SESSION_LIMITS.size)),
    )
    session_items: int = option(
        "The items of a session JSON: eight values for each of 60 000 parameters are half a million.",
        SESSION_LIMITS.items,
        validator=ge(1),
    )
    configuration_size: Size = option(
        "Of a configuration document, in characters.", Size(CONFIGURATION_LIMITS.size), validator=ge(1)
    )
    configuration_items: int = option(
        "The items of a configuration document: all there can be about 60 000 parameters are less than two millions.",
        CONFIGURATION_LIMITS.items,
        validator=ge(1),
    )
    depth: int = option("Objects and lists within each other.", SESSION_LIMITS.depth, validator=ge(1))

    @property
    def session(self) -> JsonLimits:
        """The limits of a session JSON."""
        return JsonLimits(self.session_size, self.session_items, self.depth)

    @property
    def configuration(self) -> JsonLimits:
        """The limits of a configuration document."""
        return JsonLimits(self.configuration_size, self.configuration_items, self.depth)


@define
class PrunerSettings:
    """What is trimmed and cleaned, and how often."""

    enabled: bool = option("Whether this process does it; of those that share a buffer, one is enough.", True)
    interval: Duration = option("Between rounds.", Duration(30.0), validator=gt(0))
    max_age: Duration | None = option("Bursts older than this are trimmed; unset: the buffer's own bounds.", None)
    max_entries: int | None = option(
        "Entries kept per stream; unset: the buffer's own bounds.", None, validator=optional(ge(1))
    )
    session_ttl: Duration | None = option(
        "Sessions without an update for this long, and without entries, are forgotten; unset: never.", Duration(86400.0)
    )
