"""The changes that administration has made to the configured streams. They are kept in a file, and applied over the
configuration.

Source: docs/rsmp.md, "Administration" and "Commands".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from attrs import evolve, field, frozen

from rta.errors import RtaError
from rta.formatting import nearest
from rta.node.node_stream import Refused
from rta.node.stream_settings import StreamTableError, read_stream, write_stream
from rta.stream.definition import StatusDefinition, StreamDefinition

__all__ = ["StreamChange", "Changes", "changed", "load_changes", "merged", "new_stream", "save_changes"]

_FILE = "streams.json"
_VERSION = 1


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

    :raises RtaError: the file cannot be read, is damaged, or has another version.
    """
    path = folder / _FILE
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != _VERSION:
            raise RtaError(f"{path} is of version {document['version']}, and this is for {_VERSION}")
        return {(c["code"], c["name"]): StreamChange(c["change"], dict(c["fields"])) for c in document["streams"]}
    except FileNotFoundError:
        return {}
    except OSError as e:
        raise RtaError(f"cannot read {path}: {e.strerror or e}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise RtaError(f"{path} is damaged; mend it, or take it away to have the streams as configured") from None


def save_changes(folder: Path, changes: Changes) -> None:
    """Replace the file, wholly or not at all. Blocks.

    :raises OSError: it cannot be written.
    """
    entries = [
        {"code": code, "name": name, "change": change.kind, "fields": change.fields}
        for (code, name), change in sorted(changes.items())
    ]
    text = json.dumps({"version": _VERSION, "streams": entries}, indent=1, ensure_ascii=False)
    folder.mkdir(parents=True, exist_ok=True)
    path, new = folder / _FILE, folder / f"{_FILE}.new"
    try:
        with open(new, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise
    with suppress(OSError):  # the file is replaced; only a power cut could undo it
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
