"""The progress of `rta export`: over the time range."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from rta.cli.progress_bar import show_bar
from rta.cli.times import format_time
from rta.export import Export
from rta.wire.values import Ns

__all__ = ["show_export"]


def show_export(export: Export, terminal: bool) -> AbstractAsyncContextManager[None]:
    """Show on standard error how far an export is, while the block runs."""

    def text() -> str:
        upto = "" if export.reached is None else f", up to {format_time(Ns(export.reached))}"
        return f"{export.samples + export.events} samples{upto}"

    return show_bar(lambda: export.share, text, terminal)
