"""The conformance kit of the `Archive` port: what every archive must do, whatever it is made of.

    class TestMyArchive(ArchiveContract):
        @asynccontextmanager
        async def open_archive(self) -> AsyncIterator[Archive]:
            with empty_folder() as folder:
                async with open_my_archive(folder) as archive:
                    yield archive

It never assumes when chunks are cut, only that `upkeep` is what does it.
"""

from __future__ import annotations

from rta.testing.archive_appending import ArchiveAppendChecks
from rta.testing.archive_flush_points import ArchiveFlushPointChecks
from rta.testing.archive_overviews import ArchiveOverviewChecks
from rta.testing.archive_reading import ArchiveReadChecks
from rta.testing.archive_sessions import ArchiveSessionChecks

__all__ = ["ArchiveContract"]


class ArchiveContract(
    ArchiveAppendChecks, ArchiveReadChecks, ArchiveFlushPointChecks, ArchiveSessionChecks, ArchiveOverviewChecks
):
    """Subclass it, and override `open_archive`; and where it applies the other hooks of `ArchiveUnderTest`."""
