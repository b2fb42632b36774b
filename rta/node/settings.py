"""A stream's definition as a table, with the keys of the configuration file: what commands and HTTP bring, and what
listings and the state directory hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rta.errors import ConfigError, Problem
from rta.formatting import shown
from rta.node.defining import DefinitionError, define_stream
from rta.node.options import StreamSettings
from rta.options import CONVERTER, Key, faults, written
from rta.options.values import format_duration
from rta.stream.definition import StatusDefinition, StreamDefinition
from rta.wire.values import Ns

__all__ = ["StreamTableError", "read_stream", "write_stream"]

_DEEPEST = 8
_TABLES = ("prune", "history", "replay")


class StreamTableError(ConfigError):
    """A table that defines no stream: every problem, each beginning with its key."""

    def __init__(self, problems: list[Problem], field: str) -> None:
        super().__init__(problems)
        self.field = field
        """The first key that is wrong, as in `prune.timeout`; empty: the table as a whole."""


def read_stream(table: Mapping[str, Any], status: StatusDefinition) -> StreamDefinition:
    """What a `[[status.stream]]` table says. Durations are texts or seconds; null is the default, also within `prune`,
    `history` and `replay`.

    Names are not compared with those of other streams; see `rta.node.defining.name_fault`.

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


def write_stream(definition: StreamDefinition) -> dict[str, Any]:
    """Every setting, as people write it, in the types of JSON; `read_stream` gives the definition back."""
    prune, history = definition.prune, definition.history
    return {
        "name": definition.name,
        "description": definition.description,
        "attributes": {name: trigger.value for name, trigger in definition.attributes.items()},
        "aggregate": {name: [kind.value for kind in kinds] for name, kinds in definition.aggregates.items()},
        "update": _text(definition.update),
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


def _without_nulls(table: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in table.items() if value is not None}
    for name, inner in kept.items():
        if name in _TABLES and isinstance(inner, Mapping):
            kept[name] = {key: value for key, value in inner.items() if value is not None}
    return kept


def _unwritable(value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """What could not be written again as JSON or CBOR, or put in a message."""
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


def _text(span: Ns | None) -> str:
    return "off" if span is None else format_duration(span / 1_000_000_000)
