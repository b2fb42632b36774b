"""A bracket is a unit only where a unit stands in it."""

from __future__ import annotations

import pytest
from rta_transports.csv.layout.units import is_unit, split_unit

UNITS = """
% km/h KPH mph m/s m/s^2 m/s² 1/min RPM rpm kPa psi inHg V mV A °C degC degrees deg bar g kg/h g/s lb/min
mg/cyl Nm N·m ft-lb Hz kHz s ms msec sec l/100km L/100 veh/h veh/15min kg min^-1 µm uS/cm W/m2 rad/s² %RH
""".split()  # noqa: SIM905
OTHERS = ["x", "y", "z", "0", "12", "X axis", "calibrated", "Bank 1 Sensor 1", "Manifold", "current probe", "FL", "RR",
          "gps", "GPS", "raw", "B2", "front left", "Bank 1", "ECU", "calc", "PID 0x0C", "of day", "left"]  # fmt: skip


@pytest.mark.parametrize("text", [*UNITS, "kPa abs", "deg BTDC", "1", "", "m s-1", "Nm/rad"])
def test_these_are_units(text):
    assert is_unit(text)


@pytest.mark.parametrize("text", OTHERS)
def test_these_are_none(text):
    assert not is_unit(text)


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("RPM (1/min)", "RPM", "1/min"),
        ("Speed[km/h]", "Speed", "km/h"),
        ("Temp {°C}", "Temp", "°C"),
        ("Throttle(Manifold)(%)", "Throttle(Manifold)", "%"),
        ("Lambda ()", "Lambda", ""),
        ("G(x)", "G(x)", ""),
        ("q[0]", "q[0]", ""),
        ("q[1]", "q[1]", ""),
        ("Ratio (1)", "Ratio", "1"),
        ("O2 (Bank 1  Sensor 1)", "O2 (Bank 1  Sensor 1)", ""),
        ("(kPa)", "(kPa)", ""),
        ("f(x) y", "f(x) y", ""),
        ("Accel (X axis) (g)", "Accel (X axis)", "g"),
    ],
)
def test_a_header_cell_is_a_name_and_a_unit(text, name, unit):
    assert split_unit(text) == (name, unit)
