"""From rows to the data items of a burst, for each of the three kinds; words are events in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from struct import Struct
from typing import cast

from rta.wire import ChannelId, Event, PeriodicData, RowData, SampleType, encode_timestamped
from rta.wire.burst import Data
from rta_transports.csv.header import CsvColumn
from rta_transports.csv.rows import Row

__all__ = ["event_items", "periodic_items", "row_items", "split_words", "timestamped_items"]

Number = int | float
Samples = list[tuple[int, list[Number | None]]]
"""Times, and one value for each column."""

_CHANNELS = 4096  # of one RowData at most, for the limit of a burst
_CODES = dict(zip(SampleType, "BbHhIifd", strict=True))


def split_words(rows: Sequence[Row], columns: Sequence[CsvColumn]) -> tuple[Samples, list[tuple[int, int, str]]]:
    """The samples, and the words: column, time, text."""
    may = [i for i, c in enumerate(columns) if c.content.may_have_words]
    if not may:
        return cast("Samples", [(row.time, row.values) for row in rows]), []
    samples: Samples = []
    words: list[tuple[int, int, str]] = []
    for row in rows:
        for i in may:
            text = row.values[i]
            if isinstance(text, str):
                words.append((i, row.time, text))
        samples.append((row.time, [None if isinstance(v, str) else v for v in row.values]))
    return samples, words


def event_items(words: Sequence[tuple[int, int, str]], columns: Sequence[CsvColumn], app: str) -> list[Data]:
    """One event for each word."""
    return [
        Event(event_definition_id=columns[i].channel, app_name=app, timestamp=time, status_text=text)
        for i, time, text in words
    ]


def timestamped_items(rows: Samples, columns: Sequence[CsvColumn]) -> list[Data]:
    """One item for each channel that has a sample."""
    out: list[Data] = []
    for column, times, values in _by_channel(rows, columns):
        out.append(encode_timestamped(column.channel, times, values, column.type))
    return out


def periodic_items(rows: Samples, columns: Sequence[CsvColumn], interval: int) -> list[Data]:
    """One item for each run of samples of a channel: `interval` ns from one to the next, to 1 %.

    No sample is further than that from where its run says it is, so that small errors do not add up.
    """
    out: list[Data] = []
    for column, times, values in _by_channel(rows, columns):
        begin = 0
        for i in range(1, len(times) + 1):
            if i == len(times) or not _fits(times, begin, i, interval):
                out.append(_run(column, times[begin], interval, values[begin:i]))
                begin = i
    return out


def row_items(rows: Samples, columns: Sequence[CsvColumn]) -> list[Data]:
    """One item for each row, of the channels that have a sample in it."""
    out: list[Data] = []
    for first in range(0, len(columns), _CHANNELS):
        part = columns[first : first + _CHANNELS]
        channels = [c.channel for c in part]
        codes = "".join(_CODES[c.type] for c in part)
        for time, all_values in rows:
            values = all_values[first : first + _CHANNELS]
            if None not in values:
                out.append(_row(time, channels, codes, values))
            elif present := [i for i, v in enumerate(values) if v is not None]:
                present_codes = "".join(codes[i] for i in present)
                out.append(_row(time, [channels[i] for i in present], present_codes, [values[i] for i in present]))
    return out


def _by_channel(rows: Samples, columns: Sequence[CsvColumn]) -> Iterator[tuple[CsvColumn, list[int], list[Number]]]:
    for i, column in enumerate(columns):
        samples = [(time, value) for time, values in rows if (value := values[i]) is not None]
        if samples:
            yield column, [time for time, _ in samples], [value for _, value in samples]


def _fits(times: Sequence[int], begin: int, i: int, interval: int) -> bool:
    spacing = times[i] - times[i - 1] - interval
    offset = times[i] - times[begin] - (i - begin) * interval
    return 100 * max(abs(spacing), abs(offset)) <= interval


# Not encode_periodic and encode_row: an irregular or wide table has so many short runs and rows that numpy's
# overhead for each would take longer than all the rest together.


def _run(column: CsvColumn, start: int, interval: int, values: Sequence[Number]) -> PeriodicData:
    return PeriodicData(
        channel_id=column.channel,
        start_timestamp=start,
        interval=interval,
        samples=len(values),
        buffer=_packer(f"{len(values)}{_CODES[column.type]}")(*values),
    )


def _row(time: int, channels: Sequence[ChannelId], codes: str, values: Sequence[Number | None]) -> RowData:
    return RowData(channel_ids=channels, timestamp=time, buffer=_packer(codes)(*values))


@lru_cache(maxsize=64)
def _packer(codes: str) -> Callable[..., bytes]:
    return Struct("<" + codes).pack
