"""A part of a configuration serves those who have named what they need as the whole does."""

from __future__ import annotations

import json
import pickle
import struct
from contextlib import suppress
from typing import Any

import pytest

from rta.rsmp.message import PLAIN
from rta.sampling.session_decoder import SessionDecoder
from rta.sampling.sources import ChannelSource, ParameterSource, StatusSources
from rta.wire import ConfigBinding, Configuration, RowData, data_item, make_burst, read_configuration
from rta.wire.configuration_part import part_of, read_part
from rta.wire.conversion import bind
from rta.wire.parameter_index import ParameterIndex, ParameterNameError


def parameter(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"p{number}:app", "name": f"name {number}", "desc": f"The {number}th", "conv": "twice:app"} | {
        "channels": [number],
        **more,
    }


def document(count: int, **more: dict[str, Any]) -> str:
    app = {
        "parameters": [parameter(i) for i in range(count)],
        "channels": [{"id": i, "type": ("f64", "u16", "f32")[i % 3]} for i in range(count)],
        "conversions": [{"name": f"{name}:app", "rational": {"coeffs": [0, 2, 0, 0, 0, 1]}} for name in ("twice", "x")],
    }
    return json.dumps({"app": app, **more})


def found(configuration: Configuration, name: str) -> list[Any]:
    index = ParameterIndex()
    index.add(bind(configuration, ConfigBinding("x", 5)))
    with suppress(ParameterNameError):
        return [(b.parameter.id, b.application, b.conversion, b.channels) for b in index.find(name)]
    return []


NAMES = ["p7:app", "p90", "name 91", "The 92th", "p93:app:app", "p1", "absent", "double", "shared"]


@pytest.fixture
def whole() -> Configuration:
    other = {"parameters": [parameter(1), parameter(2, id="double:b")], "channels": [{"id": 1}, {"id": 2}]}
    third = {"parameters": [parameter(3, id="double:c")], "channels": [{"id": 3}]}
    return read_configuration(document(100, b=other, c=third))


def test_a_name_means_the_same_in_the_part(whole: Configuration) -> None:
    part = part_of(whole, NAMES)
    for name in NAMES:
        assert found(part, name) == found(whole, name), name


def test_a_name_that_several_have_is_still_that_of_several(whole: Configuration) -> None:
    index = ParameterIndex()
    index.add(bind(part_of(whole, ["double"]), ConfigBinding("x")))
    with pytest.raises(ParameterNameError, match="2 parameters are called"):
        index.find("double")


def test_what_nobody_needs_is_left_out_and_its_types_are_kept(whole: Configuration) -> None:
    part = part_of(whole, ["p7"])
    assert len(list(part.parameters())) == 21
    assert set(part.left_out) | {c.id for a in part.applications.values() for c in a.channels} >= set(range(100))
    assert len(part.applications["app"].conversions) == 1
    assert len(pickle.dumps(part)) < len(pickle.dumps(whole)) / 2


def test_a_document_is_read_and_cut_in_one_go() -> None:
    text = document(100)
    assert read_part(text, ["p50"]) == part_of(read_configuration(text), ["p50"])


def test_rows_with_channels_that_are_left_out_are_read() -> None:
    """What stands before a sample in a row has to be known."""
    whole = read_configuration(document(60))
    sources = {("a", PLAIN): ParameterSource("p50"), ("b", PLAIN): ChannelSource(45)}
    statuses = [StatusSources("x.y", sources=sources)]
    channels = [40, 42, 43, 45, 50]  # u16, f64, u16, f64, f32
    row = RowData(timestamp=1, channel_ids=channels, buffer=struct.pack("<HdHdf", 1, 2.0, 3, 4.0, 5.0))
    burst = make_burst([data_item(row)])
    decoders = [SessionDecoder(statuses, [(c, ConfigBinding("x"))]) for c in (whole, part_of(whole, ["p50"]))]
    samples = [decoder.samples(burst) for decoder in decoders]
    assert samples[0] == samples[1]
    assert {(s.attribute, s.value) for s in samples[0]["x.y"]} == {("a", 10.0), ("b", 4.0)}
    assert [decoder.missing for decoder in decoders] == [[], []]
