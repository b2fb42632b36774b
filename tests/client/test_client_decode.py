"""Bursts become values by what the session's configuration says of their channels."""

from __future__ import annotations

import pytest

from rta.client import Decoder
from rta.wire import (
    Application,
    Channel,
    ChannelId,
    ConfigBinding,
    Configuration,
    Conversion,
    Event,
    Parameter,
    SampleType,
    data_item,
    encode_periodic,
    encode_row,
    encode_timestamped,
    make_burst,
)
from rta.wire.configuration import EventDefinition, Rational, TextConversion

WORDS = Conversion("words", text=TextConversion([0, 1], ["off", "on"], "broken"))
DOUBLE = Conversion("double", "mV", rational=Rational([0, 2, 0, 0, 0, 1]))

CONFIGURATION = Configuration(
    {
        "Car": Application(
            parameters=[
                Parameter("speed:Car", "Speed", channels=[1], unit="km/h"),
                Parameter("volts:Car", "Volts", conv="double", channels=[2]),
                Parameter("pump:Car", "Pump", conv="words", channels=[3]),
                Parameter("pump_raw:Car", "Raw pump", channels=[3]),
                Parameter("wheel:Car", "Wheel", channels=[4], byte_order="be"),
            ],
            channels=[
                Channel(1, type="f32"),
                Channel(2, type="s16"),
                Channel(3, type="u8"),
                Channel(4, type="u16"),
            ],
            conversions=[WORDS, DOUBLE],
        )
    }
)
SPEED, VOLTS, PUMP, WHEEL = map(ChannelId, (1, 2, 3, 4))


def decoder(*only: str, offset: int = 0) -> Decoder:
    made = Decoder(only)
    made.add(CONFIGURATION, ConfigBinding("car", offset))
    return made


def decoded(decode: Decoder, *data) -> list[tuple[str, list[int], list[object]]]:
    burst = make_burst([data_item(d) for d in data])
    return [(s.name, s.timestamps.tolist(), s.values.tolist()) for s in decode.samples(burst)]


def test_timestamped_samples_have_their_own_times():
    item = encode_timestamped(SPEED, [10, 30, 31], [0.5, 1.5, -2.0], SampleType.F32)
    assert decoded(decoder(), item) == [("speed:Car", [10, 30, 31], [0.5, 1.5, -2.0])]


def test_periodic_samples_are_an_interval_apart():
    item = encode_periodic(VOLTS, 100, 5, [-1, 0, 7], SampleType.S16)
    assert decoded(decoder(), item) == [("volts:Car", [100, 105, 110], [-2.0, 0.0, 14.0])]


def test_a_row_is_a_sample_of_each_channel():
    types = {SPEED: SampleType.F32, VOLTS: SampleType.S16}
    item = encode_row([VOLTS, SPEED], 9, [3, 0.25], types)
    assert decoded(decoder(), item) == [("volts:Car", [9], [6.0]), ("speed:Car", [9], [0.25])]


def test_bytes_the_other_way_round_are_turned():
    periodic = encode_periodic(WHEEL, 1, 1, [0x1234], SampleType.U16, "be")
    in_row = encode_row([WHEEL], 2, [0x3412], {WHEEL: SampleType.U16})  # which writes little-endian
    assert decoded(decoder(), periodic, in_row) == [("wheel:Car", [1], [0x1234]), ("wheel:Car", [2], [0x1234])]


def test_all_parameters_of_a_channel_are_given_words_and_numbers():
    item = encode_periodic(PUMP, 0, 1, [0, 1, 2], SampleType.U8)
    assert decoded(decoder(), item) == [
        ("pump:Car", [0, 1, 2], ["off", "on", "broken"]),
        ("pump_raw:Car", [0, 1, 2], [0.0, 1.0, 2.0]),
    ]


def test_samples_know_their_parameter():
    burst = make_burst([data_item(encode_periodic(VOLTS, 0, 1, [1], SampleType.S16))])
    [sample] = decoder().samples(burst)
    assert sample.parameter is not None
    assert sample.parameter.unit == "mV"


def test_channels_are_shifted_by_the_offset_of_the_binding():
    item = encode_periodic(ChannelId(1001), 0, 1, [1], SampleType.F32)
    assert decoded(decoder(offset=1000), item) == [("speed:Car", [0], [1.0])]


def test_items_come_in_the_order_of_the_burst():
    speed = encode_periodic(SPEED, 0, 1, [1], SampleType.F32)
    volts = encode_periodic(VOLTS, 0, 1, [1], SampleType.S16)
    assert [name for name, _, _ in decoded(decoder(), volts, speed, volts)] == ["volts:Car", "speed:Car", "volts:Car"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (SampleType.F64, [0.1, -1e300]),
        (SampleType.F32, [0.5, -2.0]),
        (SampleType.U16, [0, 65535]),
        (SampleType.U8, [0, 255]),
    ],
)
def test_the_width_tells_the_type_of_a_channel_nobody_knows(kind, values):
    channel = ChannelId(77)
    timestamped = encode_timestamped(channel, [5, 6], values, kind)
    periodic = encode_periodic(channel, 5, 1, values, kind)
    assert decoded(decoder(), timestamped, periodic) == [("channel 77", [5, 6], values)] * 2


def test_a_row_with_a_channel_nobody_knows_cannot_be_read_and_is_left_out():
    unknown = ChannelId(77)
    row = encode_row([SPEED, unknown], 0, [1, 1], {SPEED: SampleType.F32, unknown: SampleType.U8})
    after = encode_row([SPEED], 1, [2], {SPEED: SampleType.F32})
    assert decoded(decoder(), row, after) == [("speed:Car", [1], [2.0])]


def test_only_the_parameters_that_are_wanted_are_given():
    types = {SPEED: SampleType.F32, PUMP: SampleType.U8}
    row = encode_row([SPEED, PUMP], 0, [1, 1], types)
    unknown = encode_periodic(ChannelId(77), 0, 1, [1], SampleType.U8)
    by_id, by_name = decoder("pump_raw:Car"), decoder("Pump", "Speed")
    assert decoded(by_id, row, unknown) == [("pump_raw:Car", [0], [1.0])]
    assert decoded(by_name, row, unknown) == [("speed:Car", [0], [1.0]), ("pump:Car", [0], ["on"])]
    assert by_id.channels == {PUMP}
    assert by_name.channels == {PUMP, SPEED}
    assert decoder("none of these").channels == set()


def test_the_configuration_says_what_an_event_is_from():
    known = EventDefinition(3, code="group_sg_1", desc="group sg/1")
    found = decoder()
    configuration = Configuration({"tlc.groups": Application(events=[known])})
    found.add(configuration, ConfigBinding(configuration.identifier(), 200))
    assert found.event_definition(Event(event_definition_id=3, app_name="tlc.groups")) == known
    assert found.event_definition(Event(event_definition_id=3, app_name="tlc.plan")) is None


def test_events_are_given_as_they_are():
    events = [Event(event_definition_id=n, status_text="out") for n in (1, 2)]
    speed = encode_periodic(SPEED, 0, 1, [1], SampleType.F32)
    burst = make_burst([data_item(item) for item in (events[0], speed, events[1])])
    assert Decoder().events(burst) == events
    assert [s.name for s in decoder().samples(burst)] == ["speed:Car"]


def speeds(*times: int):
    return encode_timestamped(SPEED, times, [time / 10 for time in times], SampleType.F32)


def test_what_comes_once_more_is_left_out_channel_by_channel():
    decode = decoder()
    decoded(decode, speeds(10, 30), encode_timestamped(VOLTS, [20], [2], SampleType.S16))
    decode.begin_again()
    again = speeds(10, 30, 40), encode_timestamped(VOLTS, [20, 25], [2, 3], SampleType.S16)
    assert decoded(decode, *again) == [("speed:Car", [40], [4.0]), ("volts:Car", [25], [6.0])]
    assert decode.missing == 0


def test_what_has_come_late_meanwhile_is_counted_as_missing():
    decode = decoder()
    decoded(decode, speeds(10, 30))
    decode.begin_again()
    assert decoded(decode, speeds(10, 20, 25, 30)) == [("speed:Car", [], [])]
    assert decode.missing == 2
    decode.begin_again()
    assert decoded(decode, speeds(10, 30, 50)) == [("speed:Car", [50], [5.0])]
    assert decode.missing == 0


def test_events_that_come_once_more_are_left_out():
    decode = decoder()
    first, late, second = (Event(timestamp=at) for at in (10, 5, 20))
    burst, again = (make_burst([data_item(e) for e in es]) for es in ([first], [late, first, second]))
    assert decode.events(burst) == [first]
    decode.begin_again()
    assert decode.events(again) == [second]
    assert decode.missing == 1
