"""What was found out about a file, in words: a line for the start, a list for `rta inspect`, options to paste."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from attrs import fields

from rta.ports import Detected
from rta_transports.csv.layout.number_format import NumberFormat
from rta_transports.csv.options import CsvOptions
from rta_transports.csv.understanding import UnderstoodFile

__all__ = ["describe_in_a_line", "list_detected", "settings_of"]

_EXAMPLES = 5  # columns that are named
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


def describe_in_a_line(found: UnderstoodFile, options: CsvOptions) -> str:
    """How the file is read."""
    layout, columns = found.layout, found.header.columns
    parts = [layout.encoding, f"{_DELIMITERS.get(layout.delimiter, repr(layout.delimiter))} between cells"]
    if layout.numbers.decimal == ",":
        parts.append("decimal commas")
    parts.append(f"header in line {layout.header}" if layout.header else "no header")
    if layout.units:
        parts.append(f"units in line {layout.units}")
    zone = f", local times of {options.timezone}" if found.time.format.local else ""
    parts.append(f"time {_names(found, found.time.columns)} ({found.time.format.name}{zone})")
    if found.long is not None:
        parts.append(f"a channel for each {_names(found, found.long.keys)}")
    if not found.order.as_it_stands:
        parts.append(f"{found.order.reason}: played in the order of time")
    names = ", ".join(c.name for c in columns[:_EXAMPLES]) + (", …" if len(columns) > _EXAMPLES else "")
    return f"{', '.join(parts)}; {len(columns)} column{'s'[: len(columns) != 1]}: {names}"


def list_detected(found: UnderstoodFile, options: CsvOptions) -> list[Detected]:
    """Each with the option that sets it, and why it is taken as this."""
    layout = found.layout
    why = {reason.split()[0]: reason.partition(": ")[2] or reason for reason in layout.reasons}
    out = [
        Detected("encoding", layout.encoding, why.get("encoding", "")),
        Detected("delimiter", repr(layout.delimiter), why.get("delimiter", "")),
        Detected("decimal", layout.numbers.decimal, why.get("decimal", "")),
        Detected("thousands", repr(layout.numbers.thousands)),
        Detected("comment", repr(layout.comment)),
        Detected("header", f"line {layout.header}" if layout.header else "none", why.get("header", "")),
        Detected("units", f"line {layout.units}" if layout.units else "none", why.get("units", "")),
        Detected("time_column", _names(found, found.time.columns), found.time.reason),
        Detected("time_format", found.time.format.name, found.time.format.scale.value),
    ]
    if found.time.format.local:
        out.append(Detected("timezone", options.timezone, "the dates name none"))
    if not found.order.as_it_stands:
        out.append(Detected("sort", "true", found.order.reason))
    if found.long is not None:
        values = ", ".join(repr(c.name) for c in found.header.columns[:_EXAMPLES])
        out.append(Detected("channel", _names(found, found.long.keys), f"a long table, with the values {values}"))
    return out


def settings_of(found: UnderstoodFile, options: CsvOptions) -> dict[str, Any]:
    """Options that read the file the same way without finding anything out."""
    layout, name = found.layout, found.time.format.name
    settings: dict[str, Any] = {"encoding": layout.encoding, "delimiter": layout.delimiter}
    if layout.numbers != NumberFormat() or options.decimal or options.thousands is not None:
        settings |= {"decimal": layout.numbers.decimal, "thousands": layout.numbers.thousands}
    if layout.comment:
        settings["comment"] = layout.comment
    settings |= {"header": layout.header, "units": layout.units}
    times = [found.names.titles[i].name for i in found.time.columns]
    if len(times) > 1:  # beside the format of dates, that of times of day is found
        name = " ".join(takewhile(lambda word: "%" in word, name.split(" "))) or name
    settings["time_column"] = times[0] if len(times) == 1 else times
    settings["time_format"] = name
    if found.time.format.local:
        settings["timezone"] = options.timezone
    if not found.order.as_it_stands:
        settings["sort"] = True
    if found.long is None and options.channel is not None:
        settings["channel"] = ""
    if found.long is not None:
        settings["channel"] = [found.names.titles[i].name for i in found.long.keys]
    return settings | {name: value for name, value in _given(options).items() if name not in settings}


def _given(options: CsvOptions) -> dict[str, Any]:
    """What was set, as a configuration has it; the path is for whoever writes it."""
    default = CsvOptions(options.path)
    given = {a.name: getattr(options, a.name) for a in fields(CsvOptions) if a.name not in ("path", "time_unit")}
    given = {name: value for name, value in given.items() if value != getattr(default, name)}
    if "types" in given:
        given["types"] = {name: str(kind.value) for name, kind in given["types"].items()}
    return given | ({"type": str(options.type.value)} if "type" in given else {})


def _names(found: UnderstoodFile, columns: tuple[int, ...]) -> str:
    return " and ".join(repr(found.names.titles[i].name) for i in columns)
