"""The CSV transport: tables of text with a time column, played as live sessions."""

from rta.ports import Offer, Transport
from rta_transports.csv.inspection import inspect_source
from rta_transports.csv.loading import load_file
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.source import CsvSource, check_source, open_source

__all__ = ["TRANSPORT", "CsvOptions", "CsvSource", "check_source", "open_source"]

TRANSPORT = Transport(
    source=Offer(CsvOptions, open_source, check_source, inspect=inspect_source, load=load_file),
    summary="plays a table of text with a time column as a live session, at any speed, once or in a loop",
)
