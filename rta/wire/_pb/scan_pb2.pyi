from . import data_pb2 as _data_pb2
from . import stream_pb2 as _stream_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Items(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, data: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Digest(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: DigestItem
    def __init__(self, data: _Optional[_Union[DigestItem, _Mapping]] = ...) -> None: ...

class DigestItem(_message.Message):
    __slots__ = ("session_json", "time_range", "timestamped_data", "periodic_data", "row_data", "event")
    SESSION_JSON_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMPED_DATA_FIELD_NUMBER: _ClassVar[int]
    PERIODIC_DATA_FIELD_NUMBER: _ClassVar[int]
    ROW_DATA_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    session_json: _containers.RepeatedScalarFieldContainer[str]
    time_range: _containers.RepeatedCompositeFieldContainer[_stream_pb2.StreamTimeRange]
    timestamped_data: _containers.RepeatedCompositeFieldContainer[_data_pb2.TimestampedData]
    periodic_data: _containers.RepeatedCompositeFieldContainer[_data_pb2.PeriodicData]
    row_data: _containers.RepeatedCompositeFieldContainer[_data_pb2.RowData]
    event: _containers.RepeatedCompositeFieldContainer[_data_pb2.Event]
    def __init__(self, session_json: _Optional[_Iterable[str]] = ..., time_range: _Optional[_Iterable[_Union[_stream_pb2.StreamTimeRange, _Mapping]]] = ..., timestamped_data: _Optional[_Iterable[_Union[_data_pb2.TimestampedData, _Mapping]]] = ..., periodic_data: _Optional[_Iterable[_Union[_data_pb2.PeriodicData, _Mapping]]] = ..., row_data: _Optional[_Iterable[_Union[_data_pb2.RowData, _Mapping]]] = ..., event: _Optional[_Iterable[_Union[_data_pb2.Event, _Mapping]]] = ...) -> None: ...

class Skeleton(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[SkeletonItem]
    def __init__(self, data: _Optional[_Iterable[_Union[SkeletonItem, _Mapping]]] = ...) -> None: ...

class SkeletonItem(_message.Message):
    __slots__ = ("session_json", "time_range", "timestamped_data", "periodic_data", "row_data", "event")
    SESSION_JSON_FIELD_NUMBER: _ClassVar[int]
    TIME_RANGE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMPED_DATA_FIELD_NUMBER: _ClassVar[int]
    PERIODIC_DATA_FIELD_NUMBER: _ClassVar[int]
    ROW_DATA_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    session_json: bytes
    time_range: Nothing
    timestamped_data: Channel
    periodic_data: Channel
    row_data: Channels
    event: Nothing
    def __init__(self, session_json: _Optional[bytes] = ..., time_range: _Optional[_Union[Nothing, _Mapping]] = ..., timestamped_data: _Optional[_Union[Channel, _Mapping]] = ..., periodic_data: _Optional[_Union[Channel, _Mapping]] = ..., row_data: _Optional[_Union[Channels, _Mapping]] = ..., event: _Optional[_Union[Nothing, _Mapping]] = ...) -> None: ...

class Nothing(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Channel(_message.Message):
    __slots__ = ("channel_id",)
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    def __init__(self, channel_id: _Optional[int] = ...) -> None: ...

class Channels(_message.Message):
    __slots__ = ("channel_ids",)
    CHANNEL_IDS_FIELD_NUMBER: _ClassVar[int]
    channel_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, channel_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class PackedTimestampedList(_message.Message):
    __slots__ = ("timestamped_data",)
    TIMESTAMPED_DATA_FIELD_NUMBER: _ClassVar[int]
    timestamped_data: _containers.RepeatedCompositeFieldContainer[PackedTimestamped]
    def __init__(self, timestamped_data: _Optional[_Iterable[_Union[PackedTimestamped, _Mapping]]] = ...) -> None: ...

class PackedTimestamped(_message.Message):
    __slots__ = ("channel_id", "start_timestamp", "timestamp_deltas_scale", "timestamp_deltas", "buffer")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_DELTAS_SCALE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_DELTAS_FIELD_NUMBER: _ClassVar[int]
    BUFFER_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    start_timestamp: int
    timestamp_deltas_scale: int
    timestamp_deltas: bytes
    buffer: bytes
    def __init__(self, channel_id: _Optional[int] = ..., start_timestamp: _Optional[int] = ..., timestamp_deltas_scale: _Optional[int] = ..., timestamp_deltas: _Optional[bytes] = ..., buffer: _Optional[bytes] = ...) -> None: ...
