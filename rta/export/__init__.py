"""Recorded sessions as files of other programs: engineering values with units, exact, in the order of time."""

from rta.export.export import Export, ExportRequest, open_export
from rta.export.forms import FORMATS, ExportFormat
from rta.export.source import ArchivedData, ExportSource
from rta.export.table_writer import ExportPiece, RowPlace

__all__ = [
    "FORMATS",
    "ArchivedData",
    "Export",
    "ExportFormat",
    "ExportPiece",
    "ExportRequest",
    "ExportSource",
    "RowPlace",
    "open_export",
]
