"""Settings of statuses and streams become definitions, or everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from rta.errors import RtaError
from rta.formatting import nearest, shown
from rta.node.options import AttributeSettings, PruneSettings, SelectorSettings, StatusSettings, StreamSettings
from rta.rsmp.message import PLAIN, Component
from rta.rsmp.names import read_code, read_stream_name
from rta.sampling.sources import SampleSource, Selector, StatusSources, read_source
from rta.stream.definition import AttributeDefinition, History, Prune, StatusDefinition, StreamDefinition, Trigger
from rta.wire.values import Ns

__all__ = [
    "DefinedStatus",
    "DefinitionError",
    "Fault",
    "define_selector",
    "define_status",
    "define_stream",
    "name_fault",
]

Fault = tuple[tuple[str | int, ...], str]
"""The keys that lead to what is wrong, and what would be right."""

_DAY = 86_400_000_000_000
_LATEST = 60.0  # s a window may always be kept open; longer only where windows are longer


class DefinedStatus(NamedTuple):
    """A configured status: what it is, what feeds it, how it is delivered."""

    definition: StatusDefinition
    binding: StatusSources
    streams: list[StreamDefinition]


class DefinitionError(RtaError):
    """Every fault of settings that are well-formed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(message for _, message in faults))
        self.faults = faults


def define_status(settings: StatusSettings) -> DefinedStatus:
    """
    :raises DefinitionError: with every fault.
    """
    faults: list[Fault] = []
    attributes: dict[str, AttributeDefinition] = {}
    sources: dict[tuple[str, Component], SampleSource] = {}
    for name, attribute in settings.attributes.items():
        found = dict(_sources(attribute, ("attributes", name), faults))
        sources |= {(name, component): source for component, source in found.items()}
        attributes[name] = AttributeDefinition(
            name, tuple(found), attribute.round, _ns_or_none(attribute.max_age), attribute.description
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


def define_stream(settings: StreamSettings, status: StatusDefinition) -> StreamDefinition:
    """
    :raises DefinitionError: with every fault; keys are those of the stream.
    """
    faults = [
        *_of_attributes("attributes", settings.attributes, status),
        *_of_attributes("aggregate", settings.aggregate, status),
        *(_of_windows(settings) if settings.aggregate else _of_deltas(settings)),
        *_of_pruning(settings.prune),
        *_of_replay(settings),
    ]
    if faults:
        raise DefinitionError(faults)
    aggregating = bool(settings.aggregate)
    attributes, history = settings.attributes, settings.history
    if not attributes and not aggregating:
        attributes = dict.fromkeys(status.attributes, Trigger.CHANGE)
    return StreamDefinition(
        code=status.code,
        name=read_stream_name(settings.name),
        description=settings.description,
        attributes=dict(attributes),
        aggregates={name: tuple(kinds) for name, kinds in settings.aggregate.items()},
        update=_ns_or_none(settings.update),
        on_change=settings.delta == "on_change" and not aggregating,
        delta=_ns_or_none(settings.delta),
        min_interval=_ns_or_none(settings.min_interval) or Ns(0),
        batch=_ns_or_none(settings.batch),
        lateness=_ns(settings.lateness),
        empty_sum=0 if settings.empty == "zero" else None,
        default_on=settings.default == "on",
        qos=settings.qos,
        prune=Prune(_ns_or_none(settings.prune.timeout), tuple(settings.prune.consumers), _ns(settings.prune.grace)),
        history=None if history is None else History(_ns(history.age), history.entries),
        replay=None if settings.replay is None else settings.replay.rate,
    )


def name_fault(name: str, taken: Collection[str]) -> str | None:
    """Why a status with these streams can have none of this name; None: it can."""
    if name in taken:
        return f"the status has a stream called {shown(name)} already" if name else "the status has its stream already"
    if "" in taken:
        return "the status has a stream without a name, which can be its only one"
    if not name and taken:
        return f"expected a name, since the status has other streams: {', '.join(map(shown, taken))}"
    return None


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
    """Which session is meant; faults are added to those there are."""
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


def _of_attributes(option: str, named: Mapping[str, Any], status: StatusDefinition) -> Iterator[Fault]:
    for name, how in named.items():
        if name not in status.attributes:
            yield (option, name), f"{status.code} has no such attribute; {nearest(name, status.attributes)}"
        elif option == "aggregate" and (not how or len(set(how)) < len(how)):
            yield (option, name), f"expected aggregates, each once, got [{', '.join(map(shown, how))}]"


def _of_windows(settings: StreamSettings) -> Iterator[Fault]:
    """What does not go with aggregates."""
    if isinstance(settings.update, str) or _DAY % _ns(settings.update):
        got = shown(settings.update) if isinstance(settings.update, str) else f"{settings.update:g} s"
        yield ("update",), f"expected an interval that divides a day, since the stream aggregates, got {got}"
    elif settings.lateness > max(settings.update, _LATEST):
        yield ("lateness",), f"expected at most the update interval, or {_LATEST:g} s, got {settings.lateness:g} s"
    if not isinstance(settings.delta, str):
        yield ("delta",), "expected none, since the stream aggregates"
    if _ns_or_none(settings.min_interval):
        yield ("min_interval",), "expected none, since the stream aggregates and has no deltas"
    if settings.empty == "zero" and not any("sum" in kinds for kinds in settings.aggregate.values()):
        yield ("empty",), 'expected "null", since the stream makes no sums'


def _of_deltas(settings: StreamSettings) -> Iterator[Fault]:
    """What does not go with deltas, or only with aggregates."""
    if settings.empty == "zero":
        yield ("empty",), 'expected "null", since the stream does not aggregate'
    if settings.min_interval not in ("off", 0) and settings.delta != "on_change":
        yield ("min_interval",), 'expected none, since it goes with delta = "on_change" only'
    for option in ("delta", "min_interval"):
        span = getattr(settings, option)
        if not isinstance(settings.update, str) and not isinstance(span, str) and span >= settings.update:
            yield (option,), f"expected less than update, which is {settings.update:g} s, got {span:g} s"


def _of_pruning(settings: PruneSettings) -> Iterator[Fault]:
    for place, consumer in enumerate(settings.consumers):
        if consumer in settings.consumers[:place]:
            yield ("prune", "consumers", place), f"{shown(consumer)} is there already"


def _of_replay(settings: StreamSettings) -> Iterator[Fault]:
    if settings.replay is not None and settings.history is None:
        yield ("replay",), "expected history beside it, since it sends what is kept"
    if settings.replay is not None and settings.qos != 1:
        yield ("replay",), "expected qos = 1 beside it, since it sends what was not acknowledged"


def _ns(seconds: float) -> Ns:
    """Settings are whole ms."""
    return Ns(round(seconds * 1000) * 1_000_000)


def _ns_or_none(written: float | str | None) -> Ns | None:
    """Words switch something off, or on without an interval."""
    return None if written is None or isinstance(written, str) else _ns(written)
