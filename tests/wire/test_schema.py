"""The compiled schema is the protocol's table: names, numbers and types."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto

from rta.wire._pb import chunks_pb2, data_pb2, stream_pb2

# Written out by hand from the public schemas; not to be generated from the code.
TABLE = {
    "rta.model.data.Event": """
        1 int32 event_definition_id
        2 string app_name
        3 sfixed64 timestamp
        4 string status_text
        5 repeated double raw_data""",
    "rta.model.data.RowData": """
        1 repeated uint32 channel_ids
        2 sfixed64 timestamp
        3 bytes buffer""",
    "rta.model.data.PeriodicData": """
        1 uint32 channel_id
        2 sfixed64 start_timestamp
        3 int64 interval
        4 int32 samples
        5 bytes buffer""",
    "rta.model.data.TimestampedData": """
        1 uint32 channel_id
        2 sfixed64 start_timestamp
        3 int64 timestamp_deltas_scale
        4 repeated int64 timestamp_deltas
        5 bytes buffer""",
    "rta.model.data.EventsList": """
        1 repeated rta.model.data.Event events""",
    "rta.model.data.RowDataList": """
        1 repeated rta.model.data.RowData row_data""",
    "rta.model.data.PeriodicDataList": """
        1 repeated rta.model.data.PeriodicData periodic_data""",
    "rta.model.data.TimestampedDataList": """
        1 repeated rta.model.data.TimestampedData timestamped_data""",
    "rta.model.net.stream.StreamSubscription": """
        1 bool all_events
        2 bool all_data_channels
        3 repeated uint32 data_channel_ids""",
    "rta.model.net.stream.StreamRequest": """
        2 oneof option rta.model.net.stream.StreamSubscription subscribe""",
    "rta.model.net.stream.StreamTimeRange": """
        1 sfixed64 start_time
        2 sfixed64 end_time""",
    "rta.model.net.stream.StreamData": """
        2 oneof data string session_json
        3 oneof data rta.model.net.stream.StreamTimeRange time_range
        4 oneof data rta.model.data.TimestampedData timestamped_data
        5 oneof data rta.model.data.PeriodicData periodic_data
        6 oneof data rta.model.data.RowData row_data
        7 oneof data rta.model.data.Event event""",
    "rta.model.net.stream.StreamDataBurst": """
        1 repeated rta.model.net.stream.StreamData data""",
    "rta.model.net.chunks.ChunkTransferHeader": """
        1 sint64 chunk_start_time_delta
        2 sint64 chunk_duration_delta
        3 repeated uint32 channel_ids
        4 int32 compression_delta
        5 int32 unpacked_length
        6 int32 packed_length""",
}

TYPES = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_SFIXED64: "sfixed64",
    FieldDescriptor.TYPE_SINT64: "sint64",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_UINT32: "uint32",
}

MESSAGES: dict[str, Descriptor] = {
    m.full_name: m
    for module in (data_pb2, stream_pb2, chunks_pb2)
    for m in module.DESCRIPTOR.message_types_by_name.values()
}


def line(field: FieldDescriptor) -> str:
    words = [str(field.number)]
    if field.containing_oneof is not None:
        words += ["oneof", field.containing_oneof.name]
    if field.is_repeated:
        words.append("repeated")
    words.append(field.message_type.full_name if field.message_type else TYPES[field.type])
    return " ".join([*words, field.name])


def reserved(message: Descriptor) -> list[int]:
    proto = DescriptorProto()
    message.CopyToProto(proto)
    return [n for r in proto.reserved_range for n in range(r.start, r.end)]


def test_there_are_no_messages_but_those_of_the_table() -> None:
    assert sorted(MESSAGES) == sorted(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_message_has_the_fields_of_the_table(name: str) -> None:
    assert [line(f) for f in MESSAGES[name].fields] == [row.strip() for row in TABLE[name].strip().splitlines()]


@pytest.mark.parametrize("name", ["StreamRequest", "StreamData"])
def test_field_1_of_the_extensible_messages_is_reserved(name: str) -> None:
    assert reserved(MESSAGES[f"rta.model.net.stream.{name}"]) == [1]


def test_repeated_numbers_are_packed() -> None:
    repeated = [f for m in MESSAGES.values() for f in m.fields if f.is_repeated and f.message_type is None]
    assert [f.full_name for f in repeated if not f.is_packed] == []


if importlib.util.find_spec("grpc_tools"):

    @pytest.mark.processes
    def test_the_generated_code_is_what_the_compiler_makes_of_proto() -> None:
        root = pathlib.Path(__file__).parents[2]
        check = subprocess.run(
            [sys.executable, root / "scripts" / "protoc", "--check"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (check.returncode, check.stderr) == (0, "")
