"""Recorded samples as chunks: built of bursts, merged and sealed, looked at from afar. No I/O, no clock."""

from rta.archive.builder import ChunkBuilder
from rta.archive.encoder import ChunkEncoder, chunks_of_columns, series_of_columns
from rta.archive.list_decoding import read_series
from rta.archive.overview import Stretches, combine_overviews, pack_overview, values_of
from rta.archive.sealing import seal
from rta.archive.series import ChannelTypes, Series

__all__ = [
    "ChannelTypes",
    "ChunkBuilder",
    "ChunkEncoder",
    "Series",
    "Stretches",
    "chunks_of_columns",
    "combine_overviews",
    "pack_overview",
    "read_series",
    "seal",
    "series_of_columns",
    "values_of",
]
