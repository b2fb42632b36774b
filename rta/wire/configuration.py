"""Configuration documents (`application/vnd.mat.config+json`): what the numbers on the wire mean.

Models only; from bytes to values is `rta.wire.conversion`. Source: docs/protocol.md, "Configuration documents".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from attrs import define, field

from rta.errors import MalformedError
from rta.wire.json_model import converter, required, structure
from rta.wire.json_text import CONFIGURATION_LIMITS, JsonLimits, parse_json
from rta.wire.samples import ByteOrder, SampleType

__all__ = [
    "Application",
    "Channel",
    "Configuration",
    "Conversion",
    "EventDefinition",
    "Group",
    "Parameter",
    "Rational",
    "ConversionTable",
    "TextConversion",
    "Tree",
    "read_configuration",
]


@define
class Group:
    """A folder of the tree that users browse."""

    id: str = required()
    desc: str = ""
    groups: list[Group] = field(factory=list)
    params: list[str] = field(factory=list)
    extra: dict[str, Any] = field(factory=dict)


@define
class Tree:
    """Where each parameter of an application is listed."""

    groups: list[Group] = field(factory=list)
    params: list[str] = field(factory=list)
    extra: dict[str, Any] = field(factory=dict)


@define
class Channel:
    """A data channel: `source` is timestamped, periodic or row (also synchro: timestamped); `interval` in ns."""

    id: int = required()
    name: str = ""
    source: str = "row"
    type: str = "f64"
    interval: int = 0
    extra: dict[str, Any] = field(factory=dict)

    @property
    def sample_type(self) -> SampleType | None:
        """None for a type we cannot unpack."""
        try:
            return SampleType(self.type)
        except ValueError:
            return None


@define
class Parameter:
    """A named, converted view of one or more data channels."""

    id: str = required()
    name: str = required(default="")
    desc: str = required(default="")
    conv: str = required(default="")
    channels: list[int] = field(factory=list)
    min: float = 0.0
    max: float = 0.0
    warn_min: float | None = None
    warn_max: float | None = None
    format: str | None = None
    unit: str | None = None
    byte_order: str = "le"
    shift: int = 0
    mask: str = "ffffffff"
    offset: float = 0.0
    type: str = "std"
    extra: dict[str, Any] = field(factory=dict)


@define
class Rational:
    """(c1 x^2 + c2 x + c3) / (c4 x^2 + c5 x + c6)"""

    coeffs: list[float] = required()
    extra: dict[str, Any] = field(factory=dict)


@define
class ConversionTable:
    """Raw values, ascending, and what they stand for."""

    raw: list[float] = required()
    calibrated: list[float] = required()
    interpolated: bool = False
    extra: dict[str, Any] = field(factory=dict)


@define
class TextConversion:
    """Exact raw values to text."""

    keys: list[float] = required()
    values: list[str] = required()
    default: str = ""
    extra: dict[str, Any] = field(factory=dict)


@define
class Conversion:
    """How raw samples become values; none of the rules means 1:1. A formula is kept, not evaluated."""

    name: str = required()
    unit: str = ""
    format: str = ""
    rational: Rational | None = None
    table: ConversionTable | None = None
    text: TextConversion | None = None
    formula: dict[str, Any] | None = None
    extra: dict[str, Any] = field(factory=dict)


@define
class EventDefinition:
    """An event; `pri` is debug, low, medium or high; `convs` name the conversion of each raw value."""

    id: int = required()
    code: str = ""
    desc: str = ""
    pri: str = ""
    convs: list[str] = field(factory=list)
    extra: dict[str, Any] = field(factory=dict)


@define
class Application:
    """The parameters, channels, conversions and events of one application."""

    desc: str = ""
    tree: Tree = field(factory=Tree)
    parameters: list[Parameter] = field(factory=list)
    channels: list[Channel] = field(factory=list)
    conversions: list[Conversion] = field(factory=list)
    events: list[EventDefinition] = field(factory=list)
    errors: list[Any] = field(factory=list)
    identity: dict[str, Any] | None = None
    rda: dict[str, Any] | None = None
    extra: dict[str, Any] = field(factory=dict)


@define
class Configuration:
    """A whole document: application name to application."""

    applications: dict[str, Application] = field(factory=dict)
    left_out: dict[int, tuple[SampleType, ByteOrder]] = field(factory=dict)
    """The types of the channels of parameters that are not here, where this is a part of a document. See
    `rta.wire.configuration_part`."""

    def write(self) -> str:
        """Compact JSON."""
        document = {name: converter.unstructure(a) for name, a in self.applications.items()}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    def identifier(self) -> str:
        """A name for exactly this content: clients cache configurations by it for ever."""
        return hashlib.sha256(self.write().encode(errors="surrogatepass")).hexdigest()[:32]

    def parameters(self) -> Iterator[tuple[Application, Parameter]]:
        """Every parameter with its application."""
        for application in self.applications.values():
            for parameter in application.parameters:
                yield application, parameter


def read_configuration(text: str, limits: JsonLimits = CONFIGURATION_LIMITS) -> Configuration:
    """Read a configuration document.

    :raises MalformedError: kind `json`, with every fault and where it is; `oversize`.
    """
    applications = parse_json(text, "configuration", limits)
    if not isinstance(applications, dict):
        raise MalformedError("json", "configuration: expected an object of applications")
    out: dict[str, Application] = {}
    faults: list[str] = []
    for name, application in applications.items():
        try:
            out[name] = structure(application or {}, Application, f"configuration.{name}")
        except MalformedError as e:
            faults.append(str(e))
    if faults:
        raise MalformedError("json", "; ".join(faults))
    return Configuration(out)
