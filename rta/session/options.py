"""Settings of fan-out and of the pruner."""

from __future__ import annotations

from attrs import define
from attrs.validators import ge, gt, optional

from rta.clock_bounds import AHEAD, BEHIND, ClockBounds
from rta.ports import Duration, Size, option

__all__ = ["FanOutSettings", "PrunerSettings"]

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
