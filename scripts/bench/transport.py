"""The transport `bench`, as a plug-in's package would offer it."""

from __future__ import annotations

from rta.ports import Offer, Transport
from scripts.bench.gated_log import LogOptions, open_log
from scripts.bench.source import SourceOptions, open_source

__all__ = ["TRANSPORT"]

TRANSPORT = Transport(
    log=Offer(LogOptions, open_log),
    source=Offer(SourceOptions, open_source),
    summary="bursts for the benchmark",
)
