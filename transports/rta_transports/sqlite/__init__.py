"""The archive on disk: recorded sessions, an SQLite file each, and a log of what has just come."""

from rta.ports import Offer, Transport
from rta_transports.sqlite.archive import SqliteArchive, open_archive
from rta_transports.sqlite.check import check
from rta_transports.sqlite.examining import examine
from rta_transports.sqlite.options import SqliteArchiveOptions
from rta_transports.sqlite.session_writer import write_session
from rta_transports.sqlite.stored import open_stored

__all__ = ["TRANSPORT", "SqliteArchive", "SqliteArchiveOptions"]

TRANSPORT = Transport(
    archive=Offer(
        SqliteArchiveOptions, open_archive, check, examine=examine, stored=open_stored, write_session=write_session
    ),
    summary="an archive of recorded sessions on this machine, in SQLite files",
)
