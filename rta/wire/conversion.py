"""From bytes to values: sample, byte order, shift, mask, conversion, offset; then format and unit.

Source: docs/protocol.md, "Configuration documents".
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define, field

from rta.wire.configuration import Configuration, Conversion, Parameter
from rta.wire.samples import ByteOrder, SampleType
from rta.wire.session_json import ConfigBinding
from rta.wire.values import ChannelId

__all__ = ["BoundParameter", "bind", "convert", "format_value"]

Values = npt.NDArray[Any]

_MAX_WIDTH = 64
_FORMAT = re.compile(r"%([-+ #0]*)(\d*)(?:\.(\d*))?(?:hh|h|ll|l|L|q|j|z|t)?([idufFgGeExXocs%])")


def rational(x: Values, coeffs: list[float]) -> Values:
    """By the formula; with c4 = c6 = 0 and c5 not 0 the denominator is c5, as the public 1:1 example needs."""
    c1, c2, c3, c4, c5, c6 = (*coeffs, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)[:6]
    with np.errstate(all="ignore"):
        top = (c1 * x + c2) * x + c3
        bottom = np.full_like(x, c5) if c4 == c6 == 0 != c5 else (c4 * x + c5) * x + c6
        return np.where(bottom == 0, np.nan, top / bottom)


def table(x: Values, raw: list[float], calibrated: list[float], interpolated: bool) -> Values:
    """Linear and clamped at the ends when interpolated, otherwise exact match or NaN."""
    n = min(len(raw), len(calibrated))
    if not n:
        return np.full_like(x, np.nan)
    keys, values = np.asarray(raw[:n], float), np.asarray(calibrated[:n], float)
    if interpolated:
        return np.asarray(np.interp(x, keys, values))
    at = np.searchsorted(keys, x).clip(0, n - 1)
    return np.where(keys[at] == x, values[at], np.nan)


@define(frozen=True, slots=True)
class BoundParameter:
    """A parameter with its conversion, on the channels that a session's binding gives it."""

    parameter: Parameter
    conversion: Conversion | None
    channels: dict[ChannelId, SampleType] = field(factory=dict)
    application: str = ""
    """The name of the application that it belongs to."""

    @property
    def unit(self) -> str:
        own = self.parameter.unit
        return own if own is not None else self.conversion.unit if self.conversion else ""

    @property
    def format(self) -> str:
        own = self.parameter.format
        return own if own is not None else self.conversion.format if self.conversion else ""

    @property
    def byte_order(self) -> ByteOrder:
        return "be" if self.parameter.byte_order == "be" else "le"

    def values(self, samples: Values) -> Values:
        """Samples of one channel, shape (n,), as values: float64, or object with str for a text conversion."""
        return convert(samples, self.parameter, self.conversion)

    def text(self, value: Any) -> str:
        """One value as a person reads it, without the unit."""
        return format_value(self.format, value)


def convert(samples: Values, parameter: Parameter, conversion: Conversion | None) -> Values:
    """Raw samples (byte order already applied), shape (n,), to values of the same shape."""
    x: Values = samples
    if np.issubdtype(samples.dtype, np.integer):
        wide = samples.astype(np.int64) & ((1 << (8 * samples.dtype.itemsize)) - 1)
        shift, mask = parameter.shift, _mask(parameter.mask)
        if shift or mask != 0xFFFFFFFF:
            x = _shifted(wide, shift) & mask
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        x = x.astype(np.float64)
    if conversion is not None:
        if conversion.text is not None:
            words = dict(zip(conversion.text.keys, conversion.text.values, strict=False))
            return np.array([words.get(v, conversion.text.default) for v in x.tolist()], dtype=object)
        if conversion.rational is not None:
            x = rational(x, conversion.rational.coeffs)
        elif conversion.table is not None:
            t = conversion.table
            x = table(x, t.raw, t.calibrated, t.interpolated)
        elif conversion.formula is not None:
            return np.full_like(x, np.nan)
    return x + parameter.offset if parameter.offset else x


def _shifted(x: Values, shift: int) -> Values:
    """Right by a positive, left by a negative number of bits."""
    if abs(shift) >= 32:
        return np.zeros_like(x)
    return x >> shift if shift >= 0 else x << -shift


def _mask(text: str) -> int:
    try:
        return int(text, 16) & 0xFFFFFFFF
    except ValueError:
        return 0xFFFFFFFF


def format_value(form: str, value: Any) -> str:
    """A C-style format, perhaps with text around it, applied to one value; the plain value where it does not fit."""
    plain = value if isinstance(value, str) else f"{value:.6g}"
    if not form:
        return plain
    used = False

    def one(m: re.Match[str]) -> str:
        nonlocal used
        flags, width, precision, kind = m.groups()
        if kind == "%":
            return "%"
        if used:
            raise ValueError("more than one value")
        used = True
        spec = f"%{flags}{min(int(width or 0), _MAX_WIDTH) or ''}"
        if precision is not None:
            spec += f".{min(int(precision or 0), _MAX_WIDTH)}"
        if kind == "s":
            return (spec + "s") % plain
        if isinstance(value, str) or not math.isfinite(value):
            return plain
        if kind in "idu":
            return str((spec + "d") % round(value))
        if kind in "oxX":
            return str((spec + kind) % (round(value) & 0xFFFFFFFF))
        if kind == "c":
            code = round(value)
            return chr(code) if 0 <= code < 0x110000 and chr(code).isprintable() else plain
        return str((spec + kind) % value)

    try:
        text = _FORMAT.sub(one, form)
    except (ValueError, OverflowError, TypeError):
        return plain
    return text if used else plain


def bind(configuration: Configuration, binding: ConfigBinding) -> list[BoundParameter]:
    """Every parameter with the wire's channel ids: the configuration's plus the binding's offset."""
    out = []
    for name, application in configuration.applications.items():
        conversions = {c.name: c for c in application.conversions}
        types = {c.id: t for c in application.channels if (t := c.sample_type) is not None}
        for parameter in application.parameters:
            channels = {ChannelId(c + binding.channel_offset): types[c] for c in parameter.channels if c in types}
            out.append(BoundParameter(parameter, conversions.get(parameter.conv), channels, name))
    return out
