"""Bursts become samples of statuses."""

from __future__ import annotations

import pytest

from rta.errors import MalformedError
from rta.rsmp.message import PLAIN, Component
from rta.sampling.session_decoder import SessionDecoder
from rta.sampling.sources import ChannelSource, ParameterSource, SampleSource, StatusSources, TopicSource
from rta.testing.bursts import event_burst, json_burst, session_json
from rta.wire import (
    Application,
    Channel,
    ChannelId,
    ConfigBinding,
    Configuration,
    Conversion,
    Parameter,
    SampleType,
    data_item,
    encode_periodic,
    encode_row,
    encode_timestamped,
    make_burst,
)
from rta.wire.configuration import Rational, TextConversion

CONFIGURATION = Configuration(
    {
        "Car": Application(
            parameters=[
                Parameter("speed:Car", "Speed", channels=[1]),
                Parameter("volts:Car", "Volts", conv="double", channels=[2]),
                Parameter("pump:Car", "Pump", conv="words", channels=[3]),
                Parameter("wheel:Car", "Wheel", channels=[4], byte_order="be"),
                Parameter("either:Car", "Either", channels=[1, 2]),
            ],
            channels=[Channel(1, type="f32"), Channel(2, type="s16"), Channel(3, type="u8"), Channel(4, type="u16")],
            conversions=[
                Conversion("words", text=TextConversion([0, 1], ["off", "on"], "broken")),
                Conversion("double", rational=Rational([0, 2, 0, 0, 0, 1])),
            ],
        ),
        "Pit": Application(parameters=[Parameter("speed:Pit", "Speed", channels=[7])], channels=[Channel(7)]),
    }
)
SPEED, VOLTS, PUMP, WHEEL, PIT = map(ChannelId, (1, 2, 3, 4, 7))
TYPES = {SPEED: SampleType.F32, VOLTS: SampleType.S16, PUMP: SampleType.U8}


def status(code: str = "car", **sources: SampleSource) -> StatusSources:
    return StatusSources(code, sources={(name, PLAIN): source for name, source in sources.items()})


def bound(*statuses: StatusSources, offset: int = 0) -> SessionDecoder:
    return SessionDecoder(statuses, [(CONFIGURATION, ConfigBinding("car", offset))])


def sampled(binding: SessionDecoder, *data) -> dict[str, list[tuple]]:
    found = binding.samples(make_burst([data_item(d) for d in data]))
    return {code: [tuple(s) for s in samples] for code, samples in found.items()}


def test_timestamped_samples_have_their_own_times() -> None:
    item = encode_timestamped(SPEED, [10, 30], [0.5, 1.5], SampleType.F32)
    assert sampled(bound(status(v=ParameterSource("speed:Car"))), item) == {
        "car": [(10, "v", PLAIN, 0.5), (30, "v", PLAIN, 1.5)]
    }


def test_periodic_samples_are_an_interval_apart_and_converted() -> None:
    item = encode_periodic(VOLTS, 100, 5, [-1, 7], SampleType.S16)
    assert sampled(bound(status(u=ParameterSource("volts:Car"))), item) == {
        "car": [(100, "u", PLAIN, -2.0), (105, "u", PLAIN, 14.0)]
    }


def test_a_row_is_a_sample_of_each_channel_and_what_nobody_wants_is_left_out() -> None:
    rows = [encode_row([VOLTS, PUMP, SPEED], t, [3, 1, t / 4], TYPES) for t in (1, 2)]
    assert sampled(bound(status(v=ParameterSource("speed:Car"), p=ParameterSource("Pump"))), *rows) == {
        "car": [(1, "p", PLAIN, "on"), (2, "p", PLAIN, "on"), (1, "v", PLAIN, 0.25), (2, "v", PLAIN, 0.5)]
    }


def test_text_conversions_give_text() -> None:
    item = encode_periodic(PUMP, 0, 1, [0, 2], SampleType.U8)
    assert sampled(bound(status(p=ParameterSource("Pump"))), item) == {
        "car": [(0, "p", PLAIN, "off"), (1, "p", PLAIN, "broken")]
    }


def test_a_channel_gives_its_raw_samples_in_the_byte_order_of_its_parameter() -> None:
    item = encode_periodic(WHEEL, 0, 1, [0x1234], SampleType.U16, "be")
    assert sampled(bound(status(w=ChannelSource(4))), item) == {"car": [(0, "w", PLAIN, 0x1234)]}


def test_a_channel_that_no_configuration_describes_is_told_by_its_width() -> None:
    item = encode_periodic(ChannelId(77), 0, 1, [0.5], SampleType.F32)
    binding = SessionDecoder([status(w=ChannelSource(77))], [])
    assert sampled(binding, item) == {"car": [(0, "w", PLAIN, 0.5)]}
    assert binding.missing == []


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_null(number: float) -> None:
    item = encode_periodic(SPEED, 0, 1, [number, 1.0], SampleType.F32)
    assert sampled(bound(status(v=ParameterSource("speed:Car"))), item) == {
        "car": [(0, "v", PLAIN, None), (1, "v", PLAIN, 1.0)]
    }


def test_channels_are_shifted_by_the_offset_of_the_binding() -> None:
    item = encode_periodic(ChannelId(1001), 0, 1, [1], SampleType.F32)
    assert sampled(bound(status(v=ParameterSource("speed:Car")), offset=1000), item) == {"car": [(0, "v", PLAIN, 1.0)]}


def test_the_application_tells_parameters_of_one_name_apart() -> None:
    item = encode_periodic(PIT, 0, 1, [9.0])
    assert sampled(bound(status(v=ParameterSource("Speed:Pit"))), item) == {"car": [(0, "v", PLAIN, 9.0)]}
    assert sampled(bound(status(v=ParameterSource("Speed:Car"))), item) == {}


def test_a_name_of_several_parameters_is_bound_to_none_and_the_choices_are_named() -> None:
    binding = bound(status(v=ParameterSource("Speed")))
    assert binding.missing == [
        'car v: 2 parameters are called "Speed"; say which by its id: speed:Car (Speed), speed:Pit (Speed)'
    ]
    assert sampled(binding, encode_periodic(PIT, 0, 1, [9.0])) == {}


def test_a_parameter_on_several_channels_has_the_samples_of_all() -> None:
    speed = encode_periodic(SPEED, 0, 1, [1], SampleType.F32)
    volts = encode_periodic(VOLTS, 0, 1, [2], SampleType.S16)
    assert sampled(bound(status(e=ParameterSource("Either"))), speed, volts) == {
        "car": [(0, "e", PLAIN, 1.0), (0, "e", PLAIN, 2.0)]
    }


def test_several_statuses_and_components_may_be_fed_by_one_channel() -> None:
    one, two = Component("sg/1"), Component("sg/2")
    group = StatusSources("groups", sources={("g", one): ParameterSource("speed:Car"), ("g", two): ChannelSource(1)})
    item = encode_periodic(SPEED, 0, 1, [3], SampleType.F32)
    assert sampled(bound(status(v=ParameterSource("speed:Car")), group), item) == {
        "car": [(0, "v", PLAIN, 3.0)],
        "groups": [(0, "g", one, 3.0), (0, "g", two, 3.0)],
    }


def test_what_the_configuration_does_not_have_is_named_and_the_rest_works() -> None:
    binding = bound(
        status(v=ParameterSource("speed:Car"), x=ParameterSource("Sped:Car"), y=ChannelSource(99), z=TopicSource("t"))
    )
    assert binding.missing == [
        'car x: no parameter "Sped:Car"; there are: speed:Car (Speed), volts:Car (Volts), pump:Car (Pump), '
        "wheel:Car (Wheel), either:Car (Either), speed:Pit (Speed)",
        "car y: no channel 99",
    ]
    assert sampled(binding, encode_periodic(SPEED, 0, 1, [3], SampleType.F32)) == {"car": [(0, "v", PLAIN, 3.0)]}


def test_bursts_of_other_things_have_no_samples() -> None:
    binding = bound(status(v=ParameterSource("speed:Car")))
    assert binding.samples(event_burst()) == {}
    assert binding.samples(json_burst(session_json("s"))) == {}
    assert sampled(binding, encode_periodic(VOLTS, 0, 1, [1], SampleType.S16)) == {}


def test_a_row_that_cannot_be_read_is_told_and_the_rest_is_sampled() -> None:
    unknown = ChannelId(77)
    bad = encode_row([SPEED, unknown], 0, [1, 1], {SPEED: SampleType.F32, unknown: SampleType.U8})
    short = encode_row([SPEED], 1, [2], {SPEED: SampleType.U8})
    good = encode_row([SPEED], 2, [3], TYPES)
    faults: list[MalformedError] = []
    found = bound(status(v=ParameterSource("speed:Car"))).samples(
        make_burst([data_item(row) for row in (bad, short, good)]), faults.append
    )
    assert [(s.ts, s.value) for s in found["car"]] == [(2, 3.0)]
    assert [f.kind for f in faults] == ["row", "row"]


def test_a_row_of_others_that_cannot_be_read_is_nobodys_concern() -> None:
    row = encode_row([ChannelId(77)], 0, [1], {ChannelId(77): SampleType.U8})
    faults: list[MalformedError] = []
    assert bound(status(v=ParameterSource("speed:Car"))).samples(make_burst([data_item(row)]), faults.append) == {}
    assert faults == []
