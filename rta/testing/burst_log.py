"""The conformance kit of the `BurstLog` port: what every log must do, whatever it is made of.

    class TestMyLog(BurstLogContract):
        @asynccontextmanager
        async def open_log(self) -> AsyncIterator[BurstLog]:
            async with my_empty_server() as address:
                yield MyLog(address)

It never assumes that the clock of arrival times stands still or can be set, nor that nobody else is served.
"""

from __future__ import annotations

from rta.testing.log_appending import Appending
from rta.testing.log_configurations import LogConfigurations
from rta.testing.log_following import Following
from rta.testing.log_reading import Reading
from rta.testing.log_sessions import Sessions
from rta.testing.log_trimming import Trimming

__all__ = ["BurstLogContract"]


class BurstLogContract(Sessions, Appending, Reading, Following, Trimming, LogConfigurations):
    """Subclass it, override `open_log`, and where it applies the other hooks of `LogUnderTest`."""
