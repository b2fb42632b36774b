"""Environment variables over the file: `RTA_EDGE__PORT=9000`, `RTA_SOURCE__wrx__SPEED=10`.

`__` goes down a level; names are compared without underscores and case. An unknown variable is never an error, since
others set variables that begin like ours (Kubernetes: `RTA_…_SERVICE_HOST`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import define, field

from rta.config.inherited import inherit, is_inherited, names_redis, squashed
from rta.config.tables import SETTINGS, SLOTS, Slot, offer_for
from rta.errors import Problem, RtaError
from rta.formatting import shown
from rta.options import EnvironmentText, Key, options_fields
from rta.options.kinds import nested

__all__ = ["Overrides", "config_variable", "names_redis_only", "override"]

_PREFIX = "RTA_"
_FILE = ("config",)
_NOT_OPTIONS = (_FILE, *((name,) for name in ("url", "token", "cafile", "certfile", "keyfile")))
"""All but the first are for commands such as `rta tail`."""


@define
class Overrides:
    """What the environment has changed."""

    variables: dict[Key, str] = field(factory=dict)
    """The variable that set a key."""
    problems: list[Problem] = field(factory=list)
    warnings: list[str] = field(factory=list)


def _ours(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for name, value in sorted(environ.items()):
        if name[: len(_PREFIX)].upper() == _PREFIX:
            yield name, tuple(name[len(_PREFIX) :].split("__")), value


def config_variable(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that names the configuration file, and its value."""
    for name, levels, value in _ours(environ):
        if tuple(map(squashed, levels)) == _FILE and value:
            return name, value
    return None


def names_redis_only(environ: Mapping[str, str]) -> bool:
    """Whether a variable of the reference implementation names its Redis."""
    return names_redis([tuple(map(squashed, levels)) for _, levels, value in _ours(environ) if value])


def override(document: dict[str, Any], environ: Mapping[str, str]) -> Overrides:
    """Put the values of variables into the document, as `EnvironmentText`; tables in it are copied, not changed."""
    done = Overrides()
    unknown: list[str] = []
    inherited: dict[tuple[str, ...], tuple[str, str]] = {}
    options: list[tuple[str, tuple[str, ...], str]] = []
    for name, levels, value in _ours(environ):
        compared = tuple(map(squashed, levels))
        if is_inherited(compared):
            inherited[compared] = (name, value)
        elif compared not in _NOT_OPTIONS:
            options.append((name, levels, value))
    _apply_inherited(document, inherited, done)
    # The transport comes first, since it decides which options there are.
    options.sort(key=lambda o: squashed(o[1][-1]) != "transport")
    for name, levels, value in options:
        try:
            key = _find(document, levels)
        except LookupError as e:
            done.problems.append(Problem(f"{name}: {e.args[0]}"))
            continue
        if key is None:
            unknown.append(name)
        else:
            _put(document, key, name, value, done)
    if unknown:
        done.warnings.append(f"unknown environment variables, left out: {', '.join(sorted(unknown))}")
    return done


def _apply_inherited(
    document: dict[str, Any], variables: Mapping[tuple[str, ...], tuple[str, str]], done: Overrides
) -> None:
    """Apply the variables of the reference implementation."""
    buffer = document.get("buffer")
    on_redis = isinstance(buffer, dict) and buffer.get("transport") == "redis"
    found = inherit(variables, on_redis)
    if found.has_redis and not on_redis:
        document["buffer"] = {}  # options of another transport mean nothing to Redis
    for key, name, value in found.options:
        _put(document, key, name, value, done)
    if found.sentinels:
        document["buffer"]["sentinels"] = found.sentinels
    done.problems += found.problems
    done.warnings += found.warnings


def _find(document: dict[str, Any], levels: tuple[str, ...]) -> Key | None:
    """The key that a variable sets; None: there is no such option.

    :raises LookupError: several sources could be meant.
    """
    table = squashed(levels[0])
    if table in SETTINGS:
        inner = _descend([SETTINGS[table]], levels[1:])
        return None if inner is None else (table, *inner)
    if table == "source" and len(levels) > 2:
        place = _source(document.get("source"), levels[1])
        if place is None:
            return None
        inner = _descend(_classes(document["source"][place], SLOTS["source"]), levels[2:])
        return None if inner is None or inner == ("name",) else ("source", place, *inner)
    if table in SLOTS and table != "source":
        inner = _descend(_classes(document.get(table, {}), SLOTS[table]), levels[1:])
        return None if inner is None else (table, *inner)
    return None


def _source(sources: Any, wanted: str) -> int | None:
    """The place of the source of this name. In names of variables, "_" stands for "-" and "." too."""
    tables = sources if isinstance(sources, list) else []
    named = [(i, t["name"]) for i, t in enumerate(tables) if isinstance(t.get("name"), str)]
    exact = [i for i, name in named if name == wanted]
    if exact:
        return exact[0]
    alike = {n: i for i, n in named if _source_squashed(n) == _source_squashed(wanted)}
    if len(alike) > 1:
        raise LookupError(f"could mean any of the sources {', '.join(map(shown, alike))}; rename all but one")
    return next(iter(alike.values()), None)


def _source_squashed(name: str) -> str:
    return squashed(name.replace("-", "_").replace(".", "_"))


def _classes(table: Any, slot: Slot) -> list[type[Any]]:
    """The options classes that the keys of a table are of, as far as its transport is known."""
    named = table.get("transport") if isinstance(table, dict) else None
    if named is None:
        default = options_fields(slot.keys)["transport"].default
        named = None if default is attrs.NOTHING else default
    try:
        return [slot.keys, offer_for(str(named), slot).options] if named is not None else [slot.keys]
    except RtaError:
        return [slot.keys]  # loading reports what is wrong


def _descend(classes: list[type[Any]], levels: tuple[str, ...]) -> Key | None:
    """The option that the levels lead to; None: there is none."""
    for cls in classes if levels else ():
        for name, option in options_fields(cls).items():
            if squashed(name) == squashed(levels[0]):
                if len(levels) == 1:
                    return (name,)
                inner = nested(option.type)
                rest = None if inner is None else _descend([inner], levels[1:])
                return None if rest is None else (name, *rest)
    return None


def _put(document: dict[str, Any], key: Key, variable: str, value: str, done: Overrides) -> None:
    if key in done.variables:
        other = done.variables[key]
        if _get(document, key) != value:
            done.problems.append(Problem(f"{variable}: {other} sets the same option otherwise; unset one"))
        return
    table: Any = document
    for part in key[:-1]:
        inner = table[part] if isinstance(part, int) else table.get(part, {})
        if not isinstance(inner, (dict, list)):
            return  # the file has something else here, which loading reports
        table[part] = inner.copy()
        table = table[part]
    table[key[-1]] = EnvironmentText(value)
    done.variables[key] = variable


def _get(document: Any, key: Key) -> Any:
    for part in key:
        document = document[part]
    return document
