"""A TOML file and the environment become a `Config`, or a list of every problem."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import rta
from rta.alarm.defining import define_alarm
from rta.alarm.definition import AlarmDefinition
from rta.config.archive import ArchiveConfig, user_state_dir
from rta.config.environment import config_variable, names_redis_only, override
from rta.config.exposure import exposure
from rta.config.model import Config, Plugged, SourceConfig
from rta.config.sign_in import auth_faults
from rta.config.tables import LISTS, ORDER, SETTINGS, SLOTS, Slot, offer_for
from rta.errors import ConfigError, Problem, RtaError
from rta.formatting import nearest
from rta.node.command_settings import CommandSettings
from rta.node.status_settings import DefinedStatus, define_status
from rta.node.stream_settings import DefinitionError
from rta.options import CONVERTER, FaultLocation, Key, faults, options_fields
from rta.rsmp.names import read_code

__all__ = ["build_config", "default_config_path", "load_config"]

S = TypeVar("S")
D = TypeVar("D")

_LARGEST = 8 << 20  # bytes of a file
_MOST = 100  # problems that are listed


def load_config(path: Path | None, environ: Mapping[str, str], default: Path | None = None) -> Config:
    """The configuration of `path`; without it, of the file that `RTA_CONFIG` names; without that, of `default`.

    `default` unset: the built-in demo; or where variables of the reference name a Redis, only an edge on that Redis.

    :raises ConfigError: with every problem there is.
    """
    named_by, file = "", path or default or default_config_path(on_redis=names_redis_only(environ))
    variable = config_variable(environ)
    if path is None and variable is not None:
        named_by, file = f"{variable[0]}: ", Path(variable[1])
    return build_config(_read(file, named_by), environ, file)


def default_config_path(on_redis: bool = False) -> Path:
    """The file that is used when none is named: part of the installed package, or of the checkout.

    `on_redis`: an edge on Redis and nothing else, instead of the demo.
    """
    name = "redis.toml" if on_redis else "site.toml"
    assert rta.__file__ is not None
    package = Path(rta.__file__).resolve().parent
    installed = package / "defaults" / name
    return installed if installed.exists() else package.parent / "config" / name


def build_config(document: dict[str, Any], environ: Mapping[str, str], file: Path | None = None) -> Config:
    """The configuration of a parsed document, which was read from `file`.

    :raises ConfigError: with every problem there is.
    """
    document = dict(document)
    builder = _Builder(FaultLocation(file))
    builder.check_shape(document)
    overrides = override(document, environ)
    builder.place = FaultLocation(
        file, overrides.variables, _texts(document, "source", "name"), _texts(document, "status", "code")
    )
    tables: dict[str, Any] = {}
    for name in ORDER:
        if name == "source":
            tables["sources"] = builder.sources(document.get(name, []))
        elif name == "status":
            tables["statuses"] = builder.statuses(document.get(name, []))
        elif name == "command":
            tables["commands"] = builder.commands(document.get(name, []))
        elif name == "alarm":
            tables["alarms"] = builder.alarms(document.get(name, []))
        elif name == "archive":
            tables["archive"] = builder.archive(document.get(name))
        elif name in SLOTS:
            tables[name] = builder.plugged(document.get(name, {}), SLOTS[name])
        else:
            tables[name] = builder.structure(document.get(name, {}), SETTINGS[name], (name,))
            if name == "auth" and tables[name] is not None:
                for where, message in auth_faults(tables[name]):
                    builder.report(where, message)
            if name == "site":
                builder.keeps = tables[name] is None or tables[name].state_dir is not None
    problems = builder.problems + overrides.problems
    if problems:
        raise ConfigError(problems)
    config = Config(**tables, user_state_dir=user_state_dir(environ), path=file, warnings=overrides.warnings)
    if config.site.administration and config.state_dir is None:
        config.warnings.append("site.administration needs site.state_dir: without it, every change is refused")
    exposed = exposure(config.edge.transport, config.edge.options, config.auth)
    if exposed is not None and config.auth.allow_insecure:
        config.warnings.append(f"edge.host: {exposed}, which auth.allow_insecure allows")
    if config.auth.authority is not None and not config.auth.enabled:
        config.warnings.append("auth.authority has no effect: auth.enabled is false, and nobody has to sign in")
    return config


def _read(file: Path, named_by: str) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ConfigError([Problem(f"{file}: is larger than {_LARGEST >> 20} MiB, which no configuration is")])
        return tomllib.loads(content.decode("utf-8-sig"))
    except OSError as e:
        problem = f"{named_by}cannot read the configuration {file}: {e.strerror or e}"
    except UnicodeDecodeError as e:
        problem = f"{file}: is not UTF-8 text, at byte {e.start}"
    except RecursionError:
        problem = f"{file}: is nested too deeply"
    except ValueError as e:  # TOMLDecodeError; plain for a number of thousands of digits
        message, line = str(e), re.search(r" \(at line (\d+), column (\d+)\)$", str(e))
        where = f"{file}, line {line[1]}, column {line[2]}" if line else f"{file}"
        problem = f"{where}: is not TOML: {message[: line.start()] if line else message}"
    raise ConfigError([Problem(problem)])


def _texts(document: dict[str, Any], table: str, key: str) -> dict[int, str]:
    return {i: t[key] for i, t in enumerate(document.get(table, [])) if isinstance(t.get(key), str)}


class _Builder:
    """Structures one table after another, and collects the problems. A result of None has a problem."""

    def __init__(self, place: FaultLocation) -> None:
        self.place = place
        self.problems: list[Problem] = []
        self.full = False
        """There are more problems, which are neither kept nor looked for."""
        self.keeps = False
        """Whether there is a state directory."""

    def report(self, key: Key, message: str) -> None:
        if len(self.problems) < _MOST:
            self.problems.append(self.place.problem(key, message))
        elif not self.full:
            self.full = True
            self.problems.append(Problem(f"there are more problems; these are the first {_MOST}"))

    def check_shape(self, document: dict[str, Any]) -> None:
        """Report and remove what is not one of our tables, so that the rest can be checked."""
        for name, value in list(document.items()):
            if name not in ORDER:
                self.report((name,), f"there is no such table; {nearest(name, ORDER)}")
            elif name == "source" or name in LISTS:
                if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
                    self.report((name,), f"expected one [[{name}]] table for each {name}")
                    document[name] = []
                continue
            elif not isinstance(value, dict):
                self.report((name,), f"expected a table [{name}]")
            else:
                continue
            del document[name]

    def structure(self, table: Any, cls: type[Any], key: Key, also_known: tuple[str, ...] = ()) -> Any:
        try:
            return CONVERTER.structure(table, cls)
        except (ValueError, ExceptionGroup) as e:
            found = list(faults(e, key, also_known))
        for where, message in found:
            self.report(where, message)
        return None

    def keys_and_options(self, table: dict[str, Any], slot: Slot, key: Key) -> tuple[Any, Any]:
        """The keys that are ours as an object, and the options of the transport."""
        ours = options_fields(slot.keys)
        keys = self.structure({k: v for k, v in table.items() if k in ours}, slot.keys, key)
        name = table.get("transport", ours["transport"].default)
        if not isinstance(name, str):
            return keys, None  # missing or not text; that is reported
        try:
            options = offer_for(str(name), slot).options
        except RtaError as e:
            self.report((*key, "transport"), str(e))
            return keys, None
        rest = {k: v for k, v in table.items() if k not in ours}
        return keys, self.structure(rest, options, key, tuple(ours))

    def plugged(self, table: dict[str, Any], slot: Slot) -> Plugged:
        keys, options = self.keys_and_options(table, slot, (slot.table,))
        return Plugged("" if keys is None else keys.transport, options)

    def archive(self, table: dict[str, Any] | None) -> ArchiveConfig | None:
        if table is None:
            return None
        keys, options = self.keys_and_options(table, SLOTS["archive"], ("archive",))
        if keys is None:
            return None
        if keys.token is not None and keys.token_file is not None:
            self.report(("archive", "token_file"), "there is a token too; give one of them")
        for name in ("token", "token_file"):
            if keys.url is None and getattr(keys, name) is not None:
                self.report(("archive", name), "it is for another service, and there is no url of one")
        return ArchiveConfig(keys, options)

    def sources(self, tables: list[dict[str, Any]]) -> list[SourceConfig]:
        found: list[SourceConfig] = []
        first: dict[str, int] = {}
        for place, table in enumerate(tables):
            if self.full:
                break
            keys, options = self.keys_and_options(table, SLOTS["source"], ("source", place))
            if keys is None:
                continue
            if keys.name in first:
                other = first[keys.name]
                self.report(("source", place, "name"), f"source[{other}] has this name already; each needs its own")
            first.setdefault(keys.name, place)
            found.append(SourceConfig(keys.name, keys.transport, keys.stream or keys.name, options))
        return found

    def listed(self, name: str, tables: list[dict[str, Any]]) -> Iterator[tuple[Key, Any]]:
        """The key and the settings of each table that is well-formed. Each code may be there once."""
        first: dict[str, int] = {}
        for place, table in enumerate(tables):
            if self.full:
                break
            key = (name, place)
            settings = self.structure(table, LISTS[name], key)
            if settings is None:
                continue
            code = read_code(settings.code)
            if code in first:
                self.report((*key, "code"), f"{name}[{first[code]}] has this code already; each needs its own")
            first.setdefault(code, place)
            yield key, settings

    def defined(self, key: Key, define: Callable[[S], D], settings: S) -> list[D]:
        """The definition that settings come to; none if they have faults, which are reported."""
        try:
            return [define(settings)]
        except DefinitionError as e:
            for where, message in e.faults:
                self.report((*key, *where), message)
            return []

    def statuses(self, tables: list[dict[str, Any]]) -> list[DefinedStatus]:
        found: list[DefinedStatus] = []
        for key, settings in self.listed("status", tables):
            if not self.keeps:
                for at, stream in enumerate(settings.stream):
                    if stream.history is not None:
                        self.report((*key, "stream", at, "history"), "expected [site] state_dir, which it is kept in")
            found += self.defined(key, define_status, settings)
        return found

    def commands(self, tables: list[dict[str, Any]]) -> list[CommandSettings]:
        found: list[CommandSettings] = []
        for key, settings in self.listed("command", tables):
            if read_code(settings.code).startswith("stream."):
                self.report((*key, "code"), "commands of the module stream are the node's own")
            found.append(settings)
        return found

    def alarms(self, tables: list[dict[str, Any]]) -> list[AlarmDefinition]:
        return [
            definition
            for key, settings in self.listed("alarm", tables)
            for definition in self.defined(key, define_alarm, settings)
        ]
