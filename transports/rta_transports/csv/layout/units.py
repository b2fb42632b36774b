"""What is a unit, and what only stands in brackets: `km/h` and `%` are, `x` and `Bank 1` are not."""

from __future__ import annotations

import re

__all__ = ["is_unit", "is_weak_unit", "split_unit"]

# Symbols and words as loggers write them, without prefixes; all in lower case where case says nothing.
_SYMBOLS = """
m g s A K V W N J C F T H Hz Pa bar mbar hPa t l L B b h d min sec lx lm cd rad deg dB dBm dBA dBi
Ohm ohm Ω Nm VA var VAr Wh Ah mAh eV mol cc ft in mi nmi yd lb lbs lbf oz gal psi psia psig inHg mmHg inH2O
mph kph kmh kmph knots kn kt kts rpm RPM Rpm U/min min-1 1/min 1/s 1/m cps Hp hp bhp HP PS CV Btu cal kcal
ppm ppb ppt pct percent % ‰ ° º °C °F °K ºC ºF degC degF deg_C deg_F C° F° oC Celsius Fahrenheit Kelvin ℃ ℉
degree degrees °/s deg/s gr µ veh vehicles Veh Fz Kfz pcu count counts cnt bit bits bits/s bps kbps Mbps baud
byte bytes kB KB MB GB KiB MiB GiB G Gs gee lambda λ AFR afr ratio rev revs lap laps step steps pulses pulse
second seconds secs msec msecs usec millisecond milliseconds microsecond microseconds nanoseconds minutes
minute mins hour hours hr hrs days day week month year volts volt amps amp Amp Amps watts meter meters metre
metres feet inches miles km/hr kmph mm cm dm km psf lbft lb-ft ft-lb lb/min kg kPa MPa mg/stroke mg/st Nm/rad
bool boolean unitless cyl stroke cycle gear Gear mS uS µS kbit Mbit NTU pH PH S/m mS/cm
µS/cm W/m2 W/m² kWh/m2 µg/m3 ug/m3 ug/m^3 µg/m³ mg/m3 m3/h m³/h °dH °Bx °BTDC dBV degBTDC °CA CAD °KW KW
ampere foot g's grad gs inch kilometer kilometre mile mmH2O mps n-m n·m pascal percentage persons radian radians watt
v/h véh véhicules vtg mvt voertuigen fordon pojazdy pojazdów poj vehículos veicoli veíc Fahrzeuge Kfz/h Fzg Lkw Pkw
km/u km/t km/tim km/godz km/ora tr/min trs/min omw/min ot/min obr/min giri/min varv/min v/min o/min r/min rpm/s
sats satellites imp pers mpg MPG l/100km L/100km km/l kWh/100km Wh/km km/kWh
""".split()  # noqa: SIM905
_EXACT = frozenset(_SYMBOLS)
_PREFIXED = frozenset(
    "m g s A K V W N J C F T H Hz Pa bar l L B b t eV mol Wh Ah VA Nm Ohm ohm Ω cd lm lx rad bps cal".split()  # noqa: SIM905
)
_SQUARED = frozenset("m s in ft mm cm dm km".split())  # noqa: SIM905
_FOLDED = frozenset(s.casefold() for s in _SYMBOLS if len(s) > 2) | {
    "km/h",
    "m/s",
    "m/s2",
    "m/s²",
    "ft/s",
    "l/h",
    "g/s",
}
_PREFIXES = ("da", "k", "K", "M", "G", "T", "h", "d", "c", "m", "u", "µ", "μ", "n", "p")
_POWER = re.compile(r"(\D+?)(?:(\^[-+]?\d|\*\*[-+]?\d|[-−]\d|[⁻¹²³]+)|[234])")
_JOINT = re.compile(r"\s*(?:/|\*|·|⋅|×|\bper\b|(?<=[A-Za-z])-(?=[A-Za-z])|\s)\s*")
_QUALIFIED = re.compile(r"(deg(?:rees)?|°|°CA|%|percent|kpa|psi|bar|mm|in|v|g|ms|s)\b[\s_.]*"
                        r"(?:abs(?:olute)?|gauge|rel|rms|"
                        r"peak|btdc|atdc|bbdc|abdc|ca|crank|cam|dc|ac|vac(?:uum)?|hg|h2o|a|full|rh|vol)",
                        re.IGNORECASE)  # fmt: skip
_BRACKETS = re.compile(r"(.*\S)\s*(?:\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\})", re.DOTALL)
_BEHIND_COMMA = re.compile(r"(.*\S), ?([^,()\[\]\s]{1,12})((?: \([^():]*:[^()]*\))?)")
"""`Temp, °C (LGR S/N: 1)`"""
_SOURCED = re.compile(r"(.*\S)(\s+\*\w{1,12})")
"""`Engine Speed (RPM) *OBD`"""
_ALSO_WORDS = frozenset("gear Gear min lap laps step steps in count counts ratio rad".split())  # noqa: SIM905
_DIGITS = "0123456789"
_LONGEST = 24


def is_unit(text: str) -> bool:
    """Whether a text is a unit of measurement, as loggers write them; "" and the dimensionless 1 are."""
    text = text.strip().strip(".")
    if text in ("", "1", "-", "--") or text in _EXACT or text.casefold() in _FOLDED:
        return True
    if len(text) > _LONGEST or text.isdigit():
        return False
    if _QUALIFIED.fullmatch(text):
        return True
    first, *others = _JOINT.split(text)
    return _is_factor(first) and all(
        _is_factor(part.lstrip(_DIGITS)) or (part.isdigit() and "/" in text) for part in others
    )


def is_weak_unit(text: str) -> bool:
    """Whether it could as well tell columns apart: a single letter or digit, or a word that is not only a unit."""
    text = text.strip()
    return (len(text) == 1 and text not in "%°‰Ω") or text in _ALSO_WORDS


def split_unit(text: str) -> tuple[str, str]:
    """`RPM (1/min)`, `RPM [1/min]`, `RPM {1/min}` or `RPM, 1/min` as name and unit; the whole text and "" where no unit
    is there."""
    sourced = _SOURCED.fullmatch(text)
    if sourced is not None:
        name, unit = _split(sourced[1])
        return (f"{name}{sourced[2]}", unit) if unit else (text, "")
    return _split(text)


def _split(text: str) -> tuple[str, str]:
    behind = _BEHIND_COMMA.fullmatch(text)
    if behind is not None and is_unit(behind[2]) and not is_weak_unit(behind[2]):
        return f"{behind[1]}{behind[3]}", behind[2]
    found = _BRACKETS.fullmatch(text)
    if found is None:
        return text, ""
    round_, square, curly = found[2], found[3], found[4]
    unit = next(u for u in (round_, square, curly) if u is not None).strip()
    if not is_unit(unit) or (square is not None and unit.isdigit()):
        return text, ""
    return found[1], unit


def _is_factor(text: str) -> bool:
    if not text:
        return False
    if text in _EXACT or text.casefold() in _FOLDED or text in ("1", "10", "100", "1000"):
        return True
    power = _POWER.fullmatch(text)
    if power is not None:
        return _is_factor(power[1]) if power[2] else power[1] in _SQUARED
    return any(text.startswith(p) and text[len(p) :] in _PREFIXED for p in _PREFIXES)
