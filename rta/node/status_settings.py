"""A status's settings: what it is, what its values are made of, how it is delivered, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rta.node.options import AttributeSettings, SelectorSettings, StatusSettings, StreamSettings
from rta.node.stream_settings import DefinitionError, Fault, define_stream, name_fault, to_ns_or_none
from rta.rsmp.message import PLAIN, Component
from rta.rsmp.names import read_code, read_stream_name
from rta.sampling.sources import SampleSource, Selector, StatusSources, read_source
from rta.stream.definition import AttributeDefinition, StatusDefinition, StreamDefinition

__all__ = ["DefinedStatus", "define_selector", "define_status"]


class DefinedStatus(NamedTuple):
    """A configured status: what it is, what feeds it, how it is delivered."""

    definition: StatusDefinition
    binding: StatusSources
    streams: list[StreamDefinition]


def define_status(settings: StatusSettings) -> DefinedStatus:
    """The definition that well-formed settings come to.

    :raises DefinitionError: with every fault.
    """
    faults: list[Fault] = []
    attributes: dict[str, AttributeDefinition] = {}
    sources: dict[tuple[str, Component], SampleSource] = {}
    for name, attribute in settings.attributes.items():
        found = dict(_sources(attribute, ("attributes", name), faults))
        sources |= {(name, component): source for component, source in found.items()}
        attributes[name] = AttributeDefinition(
            name, tuple(found), attribute.round, to_ns_or_none(attribute.max_age), attribute.description
        )
    if not attributes:
        faults.append((("attributes",), "expected at least one attribute"))
    code = read_code(settings.code)
    definition = StatusDefinition(code, settings.description, attributes)
    binding = StatusSources(code, define_selector(settings.session, faults), sources)
    streams = list(_streams(settings.stream, definition, faults))
    if faults:
        raise DefinitionError(faults)
    return DefinedStatus(definition, binding, streams)


def _sources(
    attribute: AttributeSettings, key: tuple[str, ...], faults: list[Fault]
) -> Iterator[tuple[Component, SampleSource]]:
    if (attribute.from_ is None) == (not attribute.components):
        faults.append((key, "expected either from or components"))
        return
    written = {PLAIN: attribute.from_} if attribute.from_ is not None else attribute.components
    for component, text in written.items():
        try:
            yield Component(component), read_source(text)
        except ValueError as e:
            faults.append(((*key, "components", component) if component else (*key, "from"), str(e)))


def define_selector(settings: SelectorSettings, faults: list[Fault]) -> Selector:
    """Which session the settings select. Faults are added to `faults`."""
    if settings.identity is None:
        return Selector(details={name: str(value) for name, value in settings.detail.items()})
    if not settings.identity:
        faults.append((("session", "identity"), 'expected the identity of a session, got ""'))
    for other in ("pick", "detail"):
        if getattr(settings, other):
            faults.append((("session", other), "expected none, since identity names the one session"))
    return Selector(None, settings.identity)


def _streams(
    written: list[StreamSettings], status: StatusDefinition, faults: list[Fault]
) -> Iterator[StreamDefinition]:
    taken: list[str] = []
    for place, settings in enumerate(written):
        name = read_stream_name(settings.name)
        refusal = name_fault(name, taken)
        taken.append(name)
        if refusal is not None:
            faults.append((("stream", place, "name"), refusal))
        try:
            yield define_stream(settings, status)
        except DefinitionError as e:
            faults += [(("stream", place, *key), message) for key, message in e.faults]
