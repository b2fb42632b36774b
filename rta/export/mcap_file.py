"""MCAP, which Foxglove and PlotJuggler open, through the package `mcap`, which need not be installed.

A topic for each parameter, `/Speed`, with a message of one field, `value`, for each sample: protobuf, in which every
double is exact, NaN included. Events are `foxglove.Log` messages of the topic `/events`, which log panels show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.timestamp_pb2 import DESCRIPTOR as TIMESTAMP
from google.protobuf.timestamp_pb2 import Timestamp
from mcap.writer import Writer

from rta.errors import RtaError
from rta.export.byte_sink import ByteSink
from rta.export.columns import ExportColumn
from rta.export.events import ToldEvent
from rta.export.table import Series
from rta.export.table_writer import ExportPiece

__all__ = ["McapFile"]

_EVENTS = "/events"
_MOST = (1 << 16) - 2  # channels of a file, without that of the events
_AT_ONCE = 1 << 14  # messages
_NUMBER = Struct("<Bd")
_LEVELS = {"debug": 1, "low": 2, "medium": 3, "high": 4}
"""Priorities of events as levels of `foxglove.Log`: debug, info, warning, error."""


class McapFile:
    """Writes samples and events as messages in the order of their times. Such a file cannot be taken up again."""

    def __init__(self, columns: Sequence[ExportColumn], about: Mapping[str, str]) -> None:
        """`about`: what is said of the session.

        :raises RtaError: there are more columns than a file can have.
        """
        if len(columns) > _MOST:
            raise RtaError(f"an MCAP file holds {_MOST} parameters at most, not {len(columns)}: name some with -p")
        self.messages = 0
        self._columns = columns
        self._about = about
        self._sink = ByteSink()
        self._writer: Any = Writer(self._sink)  # type: ignore[arg-type]
        self._channels: list[int] = []
        self._events = 0

    def begin(self) -> ExportPiece:
        """What comes before the messages."""
        writer = self._writer
        writer.start(library="rta")
        writer.add_metadata("session", dict(self._about))
        number = writer.register_schema("rta.Sample", "protobuf", _schema("Sample", FieldDescriptorProto.TYPE_DOUBLE))
        text = writer.register_schema("rta.Text", "protobuf", _schema("Text", FieldDescriptorProto.TYPE_STRING))
        log = writer.register_schema("foxglove.Log", "protobuf", _log_schema())
        for column in self._columns:
            said = {"unit": column.unit, "id": column.identifier, "description": column.description}
            self._channels.append(
                writer.register_channel(
                    _topic(column),
                    "protobuf",
                    text if column.is_text else number,
                    {key: value for key, value in said.items() if value},
                )
            )
        self._events = writer.register_channel(_EVENTS, "protobuf", log)
        return ExportPiece(self._sink.drain())

    def add(self, columns: Sequence[Series | None], events: Sequence[ToldEvent]) -> Iterator[ExportPiece]:
        """The samples of the next slice for each column, and its events in the order of their times."""
        series = [(i, s) for i, s in enumerate(columns) if s is not None]
        times = [s[0] for _, s in series] + [np.array([e.timestamp for e in events], np.int64)]
        which = np.concatenate([np.full(len(t), i) for i, t in enumerate(times)])
        index = np.concatenate([np.arange(len(t)) for t in times])
        all_times = np.concatenate(times)
        order = np.argsort(all_times, kind="stable")
        data = [_packed(self._columns[i], s[1]) for i, s in series] + [[_log(e) for e in events]]
        channels = [self._channels[i] for i, _ in series] + [self._events]
        for begin in range(0, len(order), _AT_ONCE):
            part = order[begin : begin + _AT_ONCE]
            for time, source, at in zip(
                all_times[part].tolist(), which[part].tolist(), index[part].tolist(), strict=True
            ):
                if time < 0:
                    raise RtaError("MCAP has no times before 1970; choose another format, or --from")
                self._writer.add_message(channels[source], time, data[source][at], time)
            self.messages += len(part)
            yield ExportPiece(self._sink.drain())

    def end(self) -> Iterator[ExportPiece]:
        """There are no more messages."""
        self._writer.finish()
        yield ExportPiece(self._sink.drain())


def _topic(column: ExportColumn) -> str:
    """A parameter that is called like the topic of the events is called by its id."""
    topic = f"/{column.name}"
    return topic if topic != _EVENTS else f"/{column.identifier}"


def _packed(column: ExportColumn, values: Any) -> list[bytes]:
    if column.is_text:
        return [_field(0x0A, str(value)) for value in values.tolist()]
    return [_NUMBER.pack(0x09, value) for value in values.tolist()]


def _field(tag: int, text: str) -> bytes:
    """A field of a text, as protobuf has it."""
    data = text.encode(errors="replace")
    size, length = bytearray(), len(data)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    size.append(length)
    return bytes([tag]) + size + data


def _log(event: ToldEvent) -> bytes:
    stamp = Timestamp(seconds=event.timestamp // 10**9, nanos=event.timestamp % 10**9).SerializeToString()
    told = ": ".join(filter(None, (event.description or event.code, event.text or event.values)))
    parts = [bytes([0x0A, len(stamp)]) + stamp, bytes([0x10, _LEVELS.get(event.priority, 2)])]
    parts += [_field(0x1A, told), _field(0x22, event.application), _field(0x2A, event.code)]
    return b"".join(parts)


def _schema(name: str, kind: Any) -> bytes:
    field = FieldDescriptorProto(name="value", number=1, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL)
    message = DescriptorProto(name=name, field=[field])
    file = FileDescriptorProto(name=f"rta/{name}.proto", package="rta", syntax="proto3", message_type=[message])
    return FileDescriptorSet(file=[file]).SerializeToString()


def _log_schema() -> bytes:
    """`foxglove.Log`, as Foxglove publishes it."""
    timestamp, log = FileDescriptorProto(), DescriptorProto(name="Log")
    TIMESTAMP.CopyToProto(timestamp)
    levels = log.enum_type.add(name="Level")
    for number, level in enumerate(("UNKNOWN", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL")):
        levels.value.add(name=level, number=number)
    optional = FieldDescriptorProto.LABEL_OPTIONAL
    for number, name, kind, of in (
        (1, "timestamp", FieldDescriptorProto.TYPE_MESSAGE, ".google.protobuf.Timestamp"),
        (2, "level", FieldDescriptorProto.TYPE_ENUM, ".foxglove.Log.Level"),
        (3, "message", FieldDescriptorProto.TYPE_STRING, None),
        (4, "name", FieldDescriptorProto.TYPE_STRING, None),
        (5, "file", FieldDescriptorProto.TYPE_STRING, None),
        (6, "line", FieldDescriptorProto.TYPE_FIXED32, None),
    ):
        log.field.add(name=name, number=number, type=kind, label=optional, type_name=of)
    file = FileDescriptorProto(name="foxglove/Log.proto", package="foxglove", syntax="proto3", message_type=[log])
    file.dependency.append(timestamp.name)
    return FileDescriptorSet(file=[timestamp, file]).SerializeToString()
