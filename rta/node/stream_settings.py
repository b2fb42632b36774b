"""A stream's settings: what they come to, what is wrong with them, and how a definition is written as settings again.

The keys are those of a `[[status.stream]]` table of the configuration file. Commands and HTTP bring them too, and
listings and the state directory hold them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rta.errors import ConfigError, Problem, RtaError
from rta.formatting import nearest, shown
from rta.node.options import PruneSettings, StreamSettings
from rta.options import CONVERTER, Key, faults, written
from rta.options.values import format_duration
from rta.rsmp.names import read_stream_name
from rta.stream.definition import History, Prune, StatusDefinition, StreamDefinition, Trigger
from rta.wire.values import Ns

__all__ = [
    "DefinitionError",
    "Fault",
    "StreamTableError",
    "define_stream",
    "name_fault",
    "read_stream",
    "to_ns",
    "to_ns_or_none",
    "write_stream",
]

Fault = tuple[Key, str]
"""The keys that lead to what is wrong, and what would be right."""

_DAY = 86_400_000_000_000
_LATEST = 60.0  # s a window may always be kept open; longer only where windows are longer
_DEEPEST = 8  # tables and lists within each other
_TABLES = ("prune", "history", "replay")


class DefinitionError(RtaError):
    """Every fault of well-formed settings."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(message for _, message in faults))
        self.faults = faults


class StreamTableError(ConfigError):
    """A table that defines no stream: every problem, each beginning with its key."""

    def __init__(self, problems: list[Problem], field: str) -> None:
        super().__init__(problems)
        self.field = field
        """The first key that is wrong, as in `prune.timeout`; empty: the table as a whole."""


def define_stream(settings: StreamSettings, status: StatusDefinition) -> StreamDefinition:
    """The definition that well-formed settings come to.

    :raises DefinitionError: with every fault; keys are those of the stream.
    """
    faults = [
        *_attribute_faults("attributes", settings.attributes, status),
        *_attribute_faults("aggregate", settings.aggregate, status),
        *(_window_faults(settings) if settings.aggregate else _delta_faults(settings)),
        *_prune_faults(settings.prune),
        *_replay_faults(settings),
    ]
    if faults:
        raise DefinitionError(faults)
    aggregating = bool(settings.aggregate)
    attributes, prune, history = settings.attributes, settings.prune, settings.history
    if not attributes and not aggregating:
        attributes = dict.fromkeys(status.attributes, Trigger.CHANGE)
    return StreamDefinition(
        code=status.code,
        name=read_stream_name(settings.name),
        description=settings.description,
        attributes=dict(attributes),
        aggregates={name: tuple(kinds) for name, kinds in settings.aggregate.items()},
        update=to_ns_or_none(settings.update),
        first_known=settings.first == "known",
        first_within=to_ns(settings.first_within),
        on_change=settings.delta == "on_change" and not aggregating,
        delta=to_ns_or_none(settings.delta),
        min_interval=to_ns_or_none(settings.min_interval) or Ns(0),
        batch=to_ns_or_none(settings.batch),
        lateness=to_ns(settings.lateness),
        empty_sum=0 if settings.empty == "zero" else None,
        default_on=settings.default == "on",
        qos=settings.qos,
        prune=Prune(to_ns_or_none(prune.timeout), tuple(prune.consumers), to_ns(prune.grace)),
        history=None if history is None else History(to_ns(history.age), history.entries),
        replay=None if settings.replay is None else settings.replay.rate,
    )


def write_stream(definition: StreamDefinition) -> dict[str, Any]:
    """Every setting, as people write it, in the types of JSON; `read_stream` gives the definition back."""
    prune, history = definition.prune, definition.history
    return {
        "name": definition.name,
        "description": definition.description,
        "attributes": {name: trigger.value for name, trigger in definition.attributes.items()},
        "aggregate": {name: [kind.value for kind in kinds] for name, kinds in definition.aggregates.items()},
        "update": _text(definition.update),
        "first": "known" if definition.first_known else "now",
        "first_within": _text(definition.first_within),
        "delta": "on_change" if definition.on_change and not definition.aggregating else _text(definition.delta),
        "min_interval": _text(definition.min_interval or None),
        "batch": _text(definition.batch),
        "lateness": _text(definition.lateness),
        "empty": "null" if definition.empty_sum is None else "zero",
        "default": "on" if definition.default_on else "off",
        "qos": definition.qos,
        "prune": {
            "timeout": _text(prune.timeout),
            "consumers": list(prune.consumers),
            "grace": _text(prune.grace),
        },
        "history": None if history is None else {"age": _text(history.age), "entries": history.entries},
        "replay": None if definition.replay is None else {"rate": definition.replay},
    }


def read_stream(table: Mapping[str, Any], status: StatusDefinition) -> StreamDefinition:
    """The definition that a `[[status.stream]]` table comes to. Durations are texts or seconds. Null is the default,
    also within `prune`, `history` and `replay`.

    Names are not compared with those of other streams; see `name_fault`.

    :raises StreamTableError: with every problem.
    """
    found = list(_unwritable(table, ()))
    if not found:
        try:
            return define_stream(CONVERTER.structure(_without_nulls(table), StreamSettings), status)
        except DefinitionError as e:
            found = e.faults
        except (ValueError, ExceptionGroup) as e:
            found = list(faults(e, ()))
    lines = [f"{written(key)}: {message}" if key else message for key, message in found]
    raise StreamTableError([Problem(line) for line in lines], written(found[0][0]))


def name_fault(name: str, taken: Collection[str]) -> str | None:
    """Why a status with streams of the names `taken` cannot have one of this name; None: it can."""
    if name in taken:
        return f"the status has a stream called {shown(name)} already" if name else "the status has its stream already"
    if "" in taken:
        return "the status has a stream without a name, which can be its only one"
    if not name and taken:
        return f"expected a name, since the status has other streams: {', '.join(map(shown, taken))}"
    return None


# ---- what is wrong


def _attribute_faults(option: str, named: Mapping[str, Any], status: StatusDefinition) -> Iterator[Fault]:
    for name, how in named.items():
        if name not in status.attributes:
            yield (option, name), f"{status.code} has no such attribute; {nearest(name, status.attributes)}"
        elif option == "aggregate" and (not how or len(set(how)) < len(how)):
            yield (option, name), f"expected aggregates, each once, got [{', '.join(map(shown, how))}]"


def _window_faults(settings: StreamSettings) -> Iterator[Fault]:
    """Settings that do not go with aggregates."""
    if isinstance(settings.update, str) or _DAY % to_ns(settings.update):
        got = shown(settings.update) if isinstance(settings.update, str) else f"{settings.update:g} s"
        yield ("update",), f"expected an interval that divides a day, since the stream aggregates, got {got}"
    elif settings.lateness > max(settings.update, _LATEST):
        yield ("lateness",), f"expected at most the update interval, or {_LATEST:g} s, got {settings.lateness:g} s"
    if not isinstance(settings.delta, str):
        yield ("delta",), "expected none, since the stream aggregates"
    if to_ns_or_none(settings.min_interval):
        yield ("min_interval",), "expected none, since the stream aggregates and has no deltas"
    if settings.first == "known":
        yield ("first",), 'expected "now", since the stream aggregates and sends nothing at a start'
    if settings.empty == "zero" and not any("sum" in kinds for kinds in settings.aggregate.values()):
        yield ("empty",), 'expected "null", since the stream makes no sums'


def _delta_faults(settings: StreamSettings) -> Iterator[Fault]:
    """Settings that do not go with deltas, or only with aggregates."""
    if settings.empty == "zero":
        yield ("empty",), 'expected "null", since the stream does not aggregate'
    if settings.min_interval not in ("off", 0) and settings.delta != "on_change":
        yield ("min_interval",), 'expected none, since it goes with delta = "on_change" only'
    for option in ("delta", "min_interval"):
        span = getattr(settings, option)
        if not isinstance(settings.update, str) and not isinstance(span, str) and span >= settings.update:
            yield (option,), f"expected less than update, which is {settings.update:g} s, got {span:g} s"


def _prune_faults(settings: PruneSettings) -> Iterator[Fault]:
    for place, consumer in enumerate(settings.consumers):
        if consumer in settings.consumers[:place]:
            yield ("prune", "consumers", place), f"{shown(consumer)} is there already"


def _replay_faults(settings: StreamSettings) -> Iterator[Fault]:
    if settings.replay is not None and settings.history is None:
        yield ("replay",), "expected history beside it, since it sends what is kept"
    if settings.replay is not None and settings.qos != 1:
        yield ("replay",), "expected qos = 1 beside it, since it sends what was not acknowledged"


def _without_nulls(table: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in table.items() if value is not None}
    for name, inner in kept.items():
        if name in _TABLES and isinstance(inner, Mapping):
            kept[name] = {key: value for key, value in inner.items() if value is not None}
    return kept


def _unwritable(value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """Values that could not be written as JSON or CBOR, or put into a message."""
    if len(key) > _DEEPEST:
        yield key[:1], "is nested too deeply"
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str) and _is_unicode(name):
                yield from _unwritable(inner, (*key, name))
            else:
                yield key, f"expected text as a key, got {shown(name)}"
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _unwritable(inner, (*key, place))
    elif isinstance(value, str) and not _is_unicode(value):
        yield key, f"expected text, got {shown(value)}"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


# ---- spans of time


def to_ns(seconds: float) -> Ns:
    """A span in ns, rounded to whole ms."""
    return Ns(round(seconds * 1000) * 1_000_000)


def to_ns_or_none(written: float | str | None) -> Ns | None:
    """A span in ns; None for unset and for words such as "off"."""
    return None if written is None or isinstance(written, str) else to_ns(written)


def _text(span: Ns | None) -> str:
    return "off" if span is None else format_duration(span / 1_000_000_000)
