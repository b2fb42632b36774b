"""A part of a configuration document: what is needed of one that has tens of thousands of parameters.

Samples in rows are found by the types of all channels in the row, so the types of what is left out are kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from rta.wire.configuration import Application, Configuration, Parameter, read_configuration
from rta.wire.conversion import bind
from rta.wire.json_text import CONFIGURATION_LIMITS, JsonLimits
from rta.wire.parameter_index import ParameterIndex
from rta.wire.samples import ByteOrder, SampleType
from rta.wire.session_json import ConfigBinding

__all__ = ["part_of", "read_part"]

_SHOWN = 20  # parameters that are kept for the message about a name that is not there


def read_part(text: str, names: Iterable[str], limits: JsonLimits = CONFIGURATION_LIMITS) -> Configuration:
    """Read a configuration document, and keep what these names may mean.

    :raises MalformedError: kind `json`, with every fault and where it is; `oversize`.
    """
    return part_of(read_configuration(text, limits), names)


def part_of(configuration: Configuration, names: Iterable[str]) -> Configuration:
    """The parameters that these names may mean, with their channels and conversions."""
    bound = bind(configuration, ConfigBinding(""))
    index = ParameterIndex()
    index.add(bound)
    wanted = {key for name in names for key in index.candidates(name)}
    kept = [b for b in bound if (b.parameter.id, b.application) in wanted]
    kept += [b for b in bound if (b.parameter.id, b.application) not in wanted][:_SHOWN]
    parameters: dict[str, list[Parameter]] = {}
    for one in kept:
        parameters.setdefault(one.application, []).append(one.parameter)
    known = {id(one.parameter) for one in kept}
    left_out: dict[int, tuple[SampleType, ByteOrder]] = {}
    for one in bound:
        if id(one.parameter) not in known:
            left_out.update((channel, (kind, one.byte_order)) for channel, kind in one.channels.items())
    applications = {
        name: _part(application, parameters[name])
        for name, application in configuration.applications.items()
        if name in parameters
    }
    return Configuration(applications, left_out)


def _part(application: Application, parameters: list[Parameter]) -> Application:
    channels = {channel for parameter in parameters for channel in parameter.channels}
    conversions = {parameter.conv for parameter in parameters}
    return Application(
        parameters=[evolve(parameter, extra={}) for parameter in parameters],
        channels=[evolve(c, extra={}) for c in application.channels if c.id in channels],
        conversions=[evolve(c, extra={}) for c in application.conversions if c.name in conversions],
    )
