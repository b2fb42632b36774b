"""Whether a line of cells below the titles is one of units, or of where the values come from."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["are_sources", "are_units", "is_unit"]

_SYMBOLS = (
    "s m g V A C F K N W J T L l h d Ω % ° ‰ # mV mA kA kV kW kN Nm Hz kHz MHz GHz Pa kPa hPa MPa mPa bar mbar psi "
    "kg mg ml mm cm km dm um µm nm ft in mi yd ms us µs ns min hr deg rad °C °F Ohm ohm lb lbs lbf hp PS bhp "
    "G g's W/m² W/m2 lx lm cd mol ppm ppb pH dB dBm dBA VA kVA var Wh kWh Ah mAh mph kph kmh km/h knots kt kn rpm "
    "RPM 1/min U/min TS RN Volts Amps 1 bit bits byte bytes count counts bool boolean enum date time text string "
    "degC degF °CA AFR λ lambda inHg mmHg mmH2O inH2O l/h L/h g/s kg/h lb/min mm³ cc v/h veh/h Fz/h W/m^2"
)
_NAMES = (
    "sec secs second seconds msec millisecond milliseconds usec minute minutes hour hours day days volt volts amp amps "
    "ampere watt watts meter meters metre metres kilometer mile miles foot feet inch inches degree degrees grad gs "
    "radian radians celsius fahrenheit kelvin pascal percent percentage ratio rpm revs knots kmph kph mph mps m/s "
    "m/s2 m/s^2 deg deg/s rad/s deg/sec hz khz kpa psi bar mbar hpa nm n·m n-m lb-ft ft-lb lbft kg kg/h g/s mm cm "
    "km min ms us ns c f v ma mv kw hp unitless none counts degrees_c utc iso8601 hh:mm:ss yyyy-mm-dd datetime "
    "timestamp vehicles persons"
)
_EXACT = frozenset(_SYMBOLS.split())
_WORDS = frozenset(_NAMES.split()) | {"deg c", "deg f", "unix time"}
_BRACKETS = re.compile(r"[\[(<{](.*)[\])>}]")
_FACTORS = r"[A-Za-zµμΩ°%]{1,5}[²³23]?(?:\s?[/·*.^-]\s?[A-Za-zµ°0-9%]{1,5}[²³]?)+"
_COMPOSED = re.compile(rf"{_FACTORS}|[%°].{{0,3}}|.{{0,3}}[°%²³].{{0,3}}")
_SOURCE = re.compile(r"\d+\s*:\s*\S.*|calc|gps|canbus|obd|internal|accelerometer|.*\bsensor", re.IGNORECASE)
_TREATMENTS = frozenset(
    [
        "smp",
        "avg",
        "min",
        "max",
        "tot",
        "std",
        "med",
        "sum",
        "sample",
        "average",
        "minimum",
        "maximum",
        "total",
        "wvc",
        "raw",
        "mean",
    ]
)


def is_unit(text: str) -> bool:
    """Whether a text is known as a unit, or composed as units are; brackets around it do not matter."""
    text = text.strip()
    inner = _BRACKETS.fullmatch(text)
    if inner:
        text = inner[1].strip()
        return len(text) <= 12 and not text.isdigit()
    return text in _EXACT or text.lower() in _WORDS or _COMPOSED.fullmatch(text) is not None


def are_units(cells: Sequence[str], titles: Sequence[str]) -> bool:
    """Whether most of the cells are units, or half of them where the titles above are longer."""
    filled = [cell.strip() for cell in cells if cell.strip(" -\t")]
    if not filled or any(cell.strip() and not title.strip() for cell, title in zip(cells, titles, strict=False)):
        return False
    known = sum(map(is_unit, filled))
    short = sum(len(cell) for cell in filled) < sum(len(t.strip()) for t in titles if t.strip()) * 0.8
    repeated = len(set(filled)) < len(filled) or len(filled) < len(cells)
    return known > 0.5 * len(filled) or (short and known >= (0.25 if repeated else 0.4) * len(filled))


def are_sources(cells: Sequence[str]) -> bool:
    """Whether the cells say from where, or how, the values of each column come: `100: gps`, `Avg`."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    known = sum(_SOURCE.fullmatch(cell) is not None or cell.lower() in _TREATMENTS for cell in filled)
    return bool(filled) and known > 0.5 * len(filled)
