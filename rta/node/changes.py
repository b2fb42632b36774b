"""The changes that administration has made to the configured streams. They are kept in a file, and applied over the
configuration.

Source: docs/rsmp.md, "Administration" and "Commands".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import evolve, field, frozen

from rta.errors import DamagedFileError
from rta.formatting import nearest
from rta.node.node_stream import Refused
from rta.node.stream_settings import StreamTableError, read_stream, write_stream
from rta.state_file import read_document, write_document
from rta.stream.definition import StatusDefinition, StreamDefinition

__all__ = ["CHANGES_FILE", "StreamChange", "Changes", "changed", "load_changes", "merged", "new_stream", "save_changes"]

CHANGES_FILE = "streams.json"
"""In the state directory."""

_VERSION = 1
_LARGEST = 16 << 20  # bytes
_FIELDS = 100  # of a stream, which has a dozen


@frozen
class StreamChange:
    """What was done to one stream. `fields`: of an added or replaced stream all that were given, of an edited one those
    that differ from the configuration (None: the default)."""

    kind: Literal["add", "replace", "edit", "remove"]
    fields: dict[str, Any] = field(factory=dict)


Changes = dict[tuple[str, str], StreamChange]
"""By code and name."""


def new_stream(fields: Mapping[str, Any], status: StatusDefinition) -> StreamDefinition:
    """The definition of a stream with these fields.

    :raises Refused: a field is wrong.
    """
    try:
        return read_stream({k: v for k, v in fields.items() if k != "code"}, status)
    except StreamTableError as e:
        problem = e.problems[0]
        raise Refused(problem.removeprefix(f"{e.field}: "), e.field or None) from None


def changed(definition: StreamDefinition, fields: Mapping[str, Any], status: StatusDefinition) -> StreamDefinition:
    """The definition with some fields changed; None: the default.

    :raises Refused: a field is wrong.
    """
    table = write_stream(definition)
    for name in fields:  # otherwise an unknown name with a null would pass
        if name not in table:
            raise Refused(f"there is no such setting; {nearest(name, table)}", name)
    table = {k: v for k, v in table.items() if k not in fields}
    return new_stream({**table, **fields, "name": definition.name}, status)


def merged(before: StreamChange | None, change: StreamChange, configured: bool) -> StreamChange | None:
    """What is kept after a change. `before`: what was kept until then; `configured`: whether the configuration has a
    stream of this name. None: nothing, the stream is as configured."""
    match change.kind:
        case "remove":
            return change if configured else None
        case "add":
            return StreamChange("replace", change.fields) if configured else change
    return change if before is None else evolve(before, fields={**before.fields, **change.fields})


def load_changes(folder: Path) -> Changes:
    """The changes in a state directory.

    :raises DamagedFileError: the file is not as it was written, or has another version.
    :raises OSError: it cannot be opened.
    """
    try:
        document = read_document(folder / CHANGES_FILE, _LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    version, entries = document.get("version"), document.get("streams")
    if version != _VERSION:
        raise DamagedFileError(f"it is of version {version!r:.20}, and this is for {_VERSION}")
    if document.keys() != {"version", "streams"} or not isinstance(entries, list):
        raise DamagedFileError("it is no list of changes")
    return dict(_change(entry) for entry in entries)


def _change(entry: Any) -> tuple[tuple[str, str], StreamChange]:
    match entry:
        case {"code": str(code), "name": str(name), "change": "add" | "replace" | "edit" | "remove" as kind}:
            fields = entry.get("fields")
            if isinstance(fields, dict) and len(fields) <= _FIELDS and len(entry) == 4:
                return (code, name), StreamChange(kind, fields)
    raise DamagedFileError(f"it has an entry that is no change: {entry!s:.100}")


def save_changes(folder: Path, changes: Changes) -> None:
    """Replace the file, wholly or not at all. Blocks.

    :raises OSError: it cannot be written.
    """
    entries = [
        {"code": code, "name": name, "change": change.kind, "fields": change.fields}
        for (code, name), change in sorted(changes.items())
    ]
    write_document(folder / CHANGES_FILE, {"version": _VERSION, "streams": entries}, indent=1)
