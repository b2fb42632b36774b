"""The header tells which cells are channels; the configuration tells what they mean."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rta_transports.csv import CsvOptions
from rta_transports.csv.configuration import CsvConfigurations
from rta_transports.csv.contents import Content
from rta_transports.csv.header import ColumnNames, read_header

from rta.wire import Channel, ConfigBinding, Conversion, Parameter, SampleType
from rta.wire.conversion import bind

U16 = SampleType.U16


def read(cells, units=(), sources=(), time=0, holds=Content.NUMBERS, **options):
    names = ColumnNames(cells, units, sources)
    return read_header(names, [time], lambda i: holds, (), CsvOptions("drive.csv", **options))


def header(*cells, **options):
    found, problems = read(cells, **options)
    assert problems == []
    return found


def problems(*cells, **options):
    return read(cells, **options)[1]


def named(*cells, **options):
    return [(c.index, c.channel, c.name, c.unit) for c in header(*cells, **options).columns]


def application(*cells, app="csv", kind="timestamped", interval=None, holds=Content.NUMBERS, **options):
    options = {"app": app, "kind": kind, "interval": interval, **options}
    columns = header(*cells, holds=holds, **options).columns
    return CsvConfigurations(CsvOptions("drive.csv", **options)).describe(columns).applications[app]


class TestColumns:
    def test_all_columns_but_the_time_are_channels_from_1_on(self):
        assert named("t", "a", "b") == [(1, 1, "a", ""), (2, 2, "b", "")]

    def test_a_unit_stands_in_parentheses_or_brackets(self):
        cells = ["t", "RPM (RPM)", "Speed [km/h]", " Boost(kPa) ", "Lambda ()", "(kPa)", "f(x) y", "Pos (%)"]
        assert [(name, unit) for _, _, name, unit in named(*cells)] == [
            ("RPM", "RPM"),
            ("Speed", "km/h"),
            ("Boost", "kPa"),
            ("Lambda", ""),
            ("(kPa)", ""),
            ("f(x) y", ""),
            ("Pos", "%"),
        ]

    def test_the_time_column_can_be_any(self):
        assert named("a", "Time (s)", "b", time=1) == [(0, 1, "a", ""), (2, 2, "b", "")]

    def test_brackets_that_tell_columns_apart_belong_to_the_name(self):
        cells = ["t", "G(x)", "G(y)", "q[0]", "q[1]", "Volt (A)", "Volt (V)", "Sensor(Manifold)(%)"]
        assert [(name, unit) for _, _, name, unit in named(*cells)] == [
            *((cell, "") for cell in cells[1:7]),
            ("Sensor(Manifold)", "%"),
        ]

    def test_names_that_come_twice_are_told_apart(self):
        cells = ["t", "Speed", "Speed", "speed", "Speed (km/h)"]
        assert [(name, unit) for _, _, name, unit in named(*cells)] == [
            ("Speed", ""),
            ("Speed 2", ""),
            ("speed", ""),
            ("Speed (km/h)", "km/h"),
        ]
        ids = [p.id for p in application(*cells).parameters]
        assert ids == ["Speed:csv", "Speed_2:csv", "speed:csv", "Speed_3:csv"]

    def test_or_by_the_row_of_sources(self):
        found = header(
            "t", "speed", "speed", "rpm", units=["s", "m/s", "m/s", ""], sources=["", "1: gps", "3: can", ""]
        )
        assert [(c.name, c.unit) for c in found.columns] == [
            ("speed (gps)", "m/s"),
            ("speed (can)", "m/s"),
            ("rpm", ""),
        ]

    def test_a_row_of_units_gives_the_units_with_or_without_brackets(self):
        assert [u for *_, u in named("t", "a", "b", units=["s", "[kPa]", "(rpm)"])] == ["kPa", "rpm"]

    def test_a_name_that_may_be_several_columns_is_a_problem(self):
        assert problems("t", "a (V)", "a (mA)", types={"a": U16}) == ["types: 'a' may be any of 'a (V)', 'a (mA)'"]

    def test_columns_can_be_chosen_and_keep_the_order_of_the_file(self):
        assert named("t", "a", "b (V)", "c", columns=["c", "a"]) == [(1, 1, "a", ""), (3, 2, "c", "")]

    def test_types_are_given_by_header_with_or_without_the_unit(self):
        found = header("t", "a (V)", "b (V)", "c", types={"a (V)": U16, "b": U16}, type=SampleType.F32)
        assert [c.type for c in found.columns] == ["u16", "u16", "f32"]

    def test_a_full_header_goes_before_a_name_without_its_unit(self):
        found = header("t", "a (V)", "a", types={"a": U16})
        assert [c.type for c in found.columns] == ["f64", "u16"]

    def test_a_column_without_a_header_is_named_by_its_place(self):
        assert named("t", "", "b")[0] == (1, 1, "Column 2", "")

    def test_names_that_are_not_there_are_problems_one_each(self):
        assert problems("t", "a", columns=["y"], types={"z": U16}) == [
            "types: there is no column 'z'; there are: 't', 'a'",
            "columns: there is no column 'y'; there are: 't', 'a'",
        ]

    def test_a_table_of_nothing_but_times_is_a_problem(self):
        assert problems("t") == ["no column is left besides the times, 't'"]
        assert problems("t", "a", columns=["t"]) == ["no column is left besides the times, 't'"]


class TestConfiguration:
    def test_each_column_is_a_parameter_a_channel_and_an_entry_of_the_tree(self):
        found = application("t", "Boost (kPa)", "Gear", types={"Gear": SampleType.U8})
        assert found.parameters == [
            Parameter("Boost:csv", "Boost", "Boost (kPa)", "unit_kPa:csv", [1], format="%.10g", unit="kPa"),
            Parameter("Gear:csv", "Gear", "Gear", "one_to_one:csv", [2], format="%d"),
        ]
        assert found.channels == [
            Channel(1, "Boost", "timestamped", "f64"),
            Channel(2, "Gear", "timestamped", "u8"),
        ]
        assert found.conversions == [Conversion("unit_kPa:csv", "kPa"), Conversion("one_to_one:csv")]
        assert found.tree.params == ["Boost:csv", "Gear:csv"]

    def test_channels_say_their_kind_and_periodic_ones_their_interval(self):
        assert application("t", "a", kind="row").channels == [Channel(1, "a", "row")]
        assert application("t", "a", kind="periodic", interval=7e-9).channels == [
            Channel(1, "a", "periodic", interval=7)
        ]

    def test_the_application_has_the_name_that_is_set(self):
        assert application("t", "a", app="Chassis").parameters[0].id == "a:Chassis"

    def test_identifiers_are_made_unique(self):
        ids = [p.id for p in application("t", "a", "a!", "a_2", "a", "1st", "温度", "%").parameters]
        assert ids == ["a:csv", "a_2:csv", "a_2_2:csv", "a_3:csv", "_1st:csv", "column_7:csv", "column_8:csv"]

    def test_letters_of_other_alphabets_are_those_that_they_come_from(self):
        ids = [p.id for p in application("t", "Öltemp", "Zählung", "µ", "Größe", "Ñandú").parameters]
        assert ids == ["Oltemp:csv", "Zahlung:csv", "u:csv", "Grosse:csv", "Nandu:csv"]

    def test_a_column_of_words_is_an_event_and_one_of_both_both(self):
        found = application("t", "Note", holds=Content.WORDS)
        assert (found.parameters, found.channels) == ([], [])
        assert [(e.id, e.code, e.desc) for e in found.events] == [(1, "Note", "Note")]
        found = application("t", "Gear", holds=Content.MIXED)
        assert ([p.id for p in found.parameters], [e.id for e in found.events]) == (["Gear:csv"], [1])

    def test_columns_of_one_unit_share_a_conversion(self):
        found = application("t", "a (V)", "b (V)", "c (%)", "d (°)")
        assert [p.conv for p in found.parameters] == ["unit_V:csv", "unit_V:csv", "unit:csv", "unit_deg:csv"]
        assert [(c.name, c.unit) for c in found.conversions] == [
            ("unit_V:csv", "V"),
            ("unit:csv", "%"),
            ("unit_deg:csv", "°"),
        ]

    def test_samples_are_their_own_values(self):
        configuration = CsvConfigurations(CsvOptions("drive.csv", kind="row")).describe(header("t", "a (V)").columns)
        (parameter,) = bind(configuration, ConfigBinding(configuration.identifier()))
        assert parameter.values(np.array([1.5, -2.0])).tolist() == [1.5, -2.0]
        assert parameter.unit == "V"

    @given(st.lists(st.text(max_size=8), min_size=2, max_size=20))
    def test_whatever_the_header_identifiers_are_unique_and_of_c(self, cells):
        found = application(*cells)
        ids = [p.id for p in found.parameters]
        conversions = [c.name for c in found.conversions]
        assert len(set(ids)) == len(ids) == len(cells) - 1
        assert len(set(conversions)) == len(conversions)
        assert {p.conv for p in found.parameters} == set(conversions)
        assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*:csv", i) for i in ids + conversions)
        assert [c.id for c in found.channels] == list(range(1, len(cells)))
