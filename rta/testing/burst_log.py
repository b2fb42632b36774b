"""The conformance kit of the `BurstLog` port: what every log must do, whatever it is made of.

    class TestMyLog(BurstLogContract):
        @asynccontextmanager
        async def open_log(self) -> AsyncIterator[BurstLog]:
            async with my_empty_server() as address:
                yield MyLog(address)

It never assumes that the clock of arrival times stands still or can be set, nor that nobody else is served.
"""

from __future__ import annotations

from rta.testing.log_appending import AppendChecks
from rta.testing.log_claiming import ClaimChecks
from rta.testing.log_configurations import ConfigurationChecks
from rta.testing.log_following import FollowChecks
from rta.testing.log_reading import ReadChecks
from rta.testing.log_sessions import SessionChecks
from rta.testing.log_trimming import TrimChecks

__all__ = ["BurstLogContract"]


class BurstLogContract(
    SessionChecks, AppendChecks, ReadChecks, FollowChecks, TrimChecks, ConfigurationChecks, ClaimChecks
):
    """Subclass it, and override `open_log`; and where it applies the other hooks of `LogUnderTest`."""
