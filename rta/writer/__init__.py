"""Writing sessions to a log, from Python: what an ingest process is made of.

`connect` is for scripts and notebooks, `open_writer` for Trio. docs/writer.md shows both.
"""

from rta.writer.blocking import BlockingWriter, connect
from rta.writer.blocking_session import BlockingSession
from rta.writer.errors import WriteError, WriterClosed, WriterFull
from rta.writer.opening import OnAbsent, open_writer, write_to
from rta.writer.pump import Pump
from rta.writer.session import SessionWriter
from rta.writer.settings import OnFull, WriterSettings
from rta.writer.writer import Writer, WriterObserver

__all__ = [
    "BlockingSession",
    "BlockingWriter",
    "OnAbsent",
    "OnFull",
    "Pump",
    "SessionWriter",
    "WriterObserver",
    "WriteError",
    "Writer",
    "WriterClosed",
    "WriterFull",
    "WriterSettings",
    "connect",
    "open_writer",
    "write_to",
]
