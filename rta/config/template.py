"""A commented file to begin a site with, from the options classes that the reference page is made from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from rta.config.model import SiteSettings
from rta.config.reference import default_of, help_of, summary_of, written_default
from rta.config.tables import SLOTS, offer_for
from rta.formatting import toml_text
from rta.options import options_fields
from rta.session.options import PrunerSettings

__all__ = ["config_template"]

_HEAD = """\
# A site of your own. `rta check --config FILE` looks through this file, `rta run --config FILE` runs it.
#
# Every table and option may be left out. A line that begins with # and no blank is an option, or an example, that is
# left out here. `rta config docs` lists all options with their defaults; environment variables override them, as in
# RTA_EDGE__PORT=9000. Relative paths are relative to the folder of this file.
"""

_SOURCE = """\
#[[source]]
#name = "drive"
#transport = "csv"
#path = "drive.csv"
"""

_STREAM = """\
# What leaves as streams over topics: one [[status]] for each thing that is reported, with its attributes and where they
# are from, and one [[status.stream]] for each way to deliver it. `rta streams` lists them.
#[[status]]
#code = "car.engine"

#[status.attributes]
#rpm = { from = "parameter:RPM", round = 0, max_age = "5s" } # a parameter's name or id; null when it is older than 5 s

#[[status.stream]]
#name = "live"
#update = "10s" # everything, and kept for whoever comes later
#min_interval = "100ms" # between them, changes at once, but not more often
"""


def config_template(source: str | None, redis: bool, broker: bool) -> str:
    """The file. `source`: a finished `[[source]]` table; `redis`: the buffer is there; `broker`: streams go to one."""
    parts = [_HEAD]
    parts += [_table("site", SiteSettings, {"label": "rta", "node": "rta", "timezone": "UTC"}, {"state_dir": "state"})]
    parts += [_slot("edge", "websocket", {"host": None, "port": None}, {})]
    if redis:
        parts += [_slot("buffer", "redis", {"url": None}, {"password_file": "redis-password"})]
        parts += [_table("pruner", PrunerSettings, {}, {"interval": None, "max_entries": 10_000})]
    else:
        parts += [_slot("buffer", "memory", {"max_bytes": None, "max_age": "1h"}, {})]
    if broker:
        more = {"port": 1883, "username": "rta", "password_file": "broker-password", "tls": True}
        parts += [_slot("topics", "mqtt", {"host": None}, more)]
    parts += [source or f"# {summary_of(SLOTS['source'].keys)}\n{_SOURCE}"]
    parts += [_STREAM] * broker
    return "\n".join(parts)


def _slot(table: str, transport: str, chosen: dict[str, Any], more: dict[str, Any]) -> str:
    slot = SLOTS[table]
    about = [*_comment(summary_of(slot.keys)), f"[{table}]", f"transport = {toml_text(transport)}"]
    return "\n".join([*about, *_options(offer_for(transport, slot).options, chosen, more), ""])


def _table(table: str, cls: type[Any], chosen: dict[str, Any], more: dict[str, Any]) -> str:
    return "\n".join([*_comment(summary_of(cls)), f"[{table}]", *_options(cls, chosen, more), ""])


def _options(cls: type[Any], chosen: dict[str, Any], more: dict[str, Any]) -> Iterator[str]:
    """Each option below its help; `more` are commented out. A value of None is the default."""
    known = options_fields(cls)
    for name, value in (chosen | more).items():
        option = known[name]
        given = written_default(option, default_of(option)) if value is None else value
        yield from _comment(help_of(option))
        yield f"{'#' if name in more else ''}{name} = {_value(given)}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return toml_text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 120, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
