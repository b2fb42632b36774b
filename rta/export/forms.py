"""The formats of exports by their names. What needs a package that is not installed says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from attrs import frozen

from rta.errors import RtaError
from rta.export.columns import ExportColumn
from rta.export.csv_text import CsvText
from rta.export.table_writer import TableForm

__all__ = ["FORMATS", "ExportFormat", "table_form"]


@frozen
class ExportFormat:
    """One format of files."""

    name: str
    suffix: str
    media_type: str
    resumable: bool
    """Whether an export that was interrupted goes on where it was."""
    package: str | None = None
    """That has to be installed."""

    def require(self) -> None:
        """Check that it can be written here.

        :raises RtaError: its package is not installed.
        """
        if self.package is not None:
            try:
                import_module(self.package)
            except ImportError:
                raise RtaError(f"{self.name} needs the package {self.package}: pip install 'rta[export]'") from None


FORMATS = {
    form.name: form
    for form in (
        ExportFormat("csv", ".csv", "text/csv; charset=utf-8", resumable=True),
        ExportFormat("parquet", ".parquet", "application/vnd.apache.parquet", resumable=False, package="pyarrow"),
        ExportFormat("arrow", ".arrows", "application/vnd.apache.arrow.stream", resumable=True, package="pyarrow"),
        ExportFormat("mcap", ".mcap", "application/octet-stream", resumable=False, package="mcap"),
    )
}


def table_form(name: str, columns: Sequence[ExportColumn], about: Mapping[str, str]) -> TableForm:
    """What writes tables of this format. `about`: what is said of the session."""
    if name == "csv":
        return CsvText(columns)
    from rta.export.arrow_tables import ArrowStream, ParquetFile

    return ArrowStream(columns, about) if name == "arrow" else ParquetFile(columns, about)
