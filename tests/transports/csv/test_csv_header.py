"""The header tells which cells are channels; the configuration tells what they mean."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rta_transports.csv import CsvOptions
from rta_transports.csv.configuration import describe
from rta_transports.csv.header import read_header

from rta.wire import Channel, ConfigBinding, Conversion, Parameter, SampleType, read_configuration
from rta.wire.conversion import bind

U16 = SampleType.U16


def header(*cells, **options):
    found, problems = read_header(cells, CsvOptions("drive.csv", **options))
    assert problems == []
    return found


def problems(*cells, **options):
    return read_header(cells, CsvOptions("drive.csv", **options))[1]


def named(*cells, **options):
    return [(c.index, c.channel, c.name, c.unit) for c in header(*cells, **options).columns]


def application(*cells, app="csv", kind="timestamped", interval=0, **options):
    text = describe(header(*cells, **options).columns, app, kind, interval).write()
    return read_configuration(text).applications[app]


class TestColumns:
    def test_the_first_column_is_the_time_and_the_others_are_channels_from_1_on(self):
        assert header("t", "a", "b").time == 0
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
        assert header("a", "Time (s)", "b", time_column="Time (s)").time == 1
        assert header("a", "Time (s)", "b", time_column="Time").time == 1
        assert named("a", "Time (s)", "b", time_column="Time") == [(0, 1, "a", ""), (2, 2, "b", "")]

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
        assert problems("t", "a", time_column="x", columns=["y"], types={"z": U16}) == [
            "time_column: there is no column 'x'; there are: 't', 'a'",
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
        assert application("t", "a", kind="periodic", interval=7).channels == [Channel(1, "a", "periodic", interval=7)]

    def test_the_application_has_the_name_that_is_set(self):
        assert application("t", "a", app="Chassis").parameters[0].id == "a:Chassis"

    def test_identifiers_are_made_unique(self):
        ids = [p.id for p in application("t", "a", "a!", "a_2", "a", "1st", "温度", "%").parameters]
        assert ids == ["a:csv", "a_2:csv", "a_2_2:csv", "a_3:csv", "_1st:csv", "column_7:csv", "column_8:csv"]

    def test_columns_of_one_unit_share_a_conversion(self):
        found = application("t", "a (V)", "b (V)", "c (%)", "d (°)")
        assert [p.conv for p in found.parameters] == ["unit_V:csv", "unit_V:csv", "unit:csv", "unit_2:csv"]
        assert [(c.name, c.unit) for c in found.conversions] == [
            ("unit_V:csv", "V"),
            ("unit:csv", "%"),
            ("unit_2:csv", "°"),
        ]

    def test_samples_are_their_own_values(self):
        configuration = describe(header("t", "a (V)").columns, "csv", "row")
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
