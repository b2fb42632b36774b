"""Adding, changing and removing streams while the node runs: what is allowed, what is to be kept of it, what it does.

Plain code. A change is planned, then kept in the state directory by whoever asked, then applied; one at a time.
Source: docs/rsmp.md, "Administration" and "Commands".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from attrs import frozen

from rta.node.changes import Changes, StreamChange, changed, merged, new_stream
from rta.node.events import NodeEvent
from rta.node.node import Node
from rta.node.node_stream import CONFIGURATION, Initiator, NodeStream, Now, Refusal, Refused
from rta.rsmp.topics import RESERVED
from rta.stream.definition import StreamDefinition

__all__ = ["Administration", "StreamPlan", "added_name", "added_status"]

log = structlog.get_logger("rta.node")

_STREAMS = 10_000  # of a node that can be added
_SAID = 20  # changes that do not fit and are said one by one
_WHY = 300  # characters of the reason


@frozen
class StreamPlan:
    """A change that has been found right."""

    definition: StreamDefinition
    """The stream as it will be, or as it is if it is to be removed."""
    changes: Changes
    """What the state directory is to hold when it is done."""
    old: NodeStream | None = None
    """The stream that is changed or removed; None: one is added."""
    removes: bool = False


class Administration:
    """The changes of one node's streams, over what is configured."""

    def __init__(self, node: Node, folder: Path | None, allowed: bool) -> None:
        """`folder`: the state directory, where changes are kept; None: they cannot be."""
        self._node = node
        self._folder = folder
        self._allowed = allowed
        self._changes: Changes = {}
        self._configured: set[tuple[str, str]] = set()
        self._left_out: set[tuple[str, str]] = set()
        """Changes that are kept and have no effect."""

    # ---- planning

    def add(self, fields: Mapping[str, Any]) -> StreamPlan:
        """A new stream of a status.

        :raises Refused: administration is not allowed, or a field is wrong.
        """
        code, name = added_status(fields), added_name(fields)
        self._check_allowed()
        status = self._node.status(code)
        definition = new_stream({**fields, "name": name}, status)
        self._check_room()
        self._node.check_names(definition)
        kept = {k: v for k, v in fields.items() if k not in ("code", "name") and v is not None}
        return StreamPlan(definition, self._changes_with(definition, StreamChange("add", kept)))

    def edit(self, code: str, name: str, fields: Mapping[str, Any]) -> StreamPlan:
        """Other settings of a stream; null is the default.

        :raises Refused: administration is not allowed, there is no such stream, or a field is wrong.
        """
        self._check_allowed()
        old = self._node.stream(code, name)
        for fixed in ("code", "name"):
            if fixed in fields:
                raise Refused("cannot be changed; add another stream and remove this one", fixed)
        definition = changed(old.definition, fields, self._node.statuses[old.definition.code])
        return StreamPlan(definition, self._changes_with(definition, StreamChange("edit", dict(fields))), old)

    def remove(self, code: str, name: str) -> StreamPlan:
        """A stream less.

        :raises Refused: administration is not allowed, or there is none.
        """
        self._check_allowed()
        old = self._node.stream(code, name)
        return StreamPlan(old.definition, self._changes_with(old.definition, StreamChange("remove")), old, removes=True)

    def apply(self, plan: StreamPlan, by: Initiator, now: Now) -> tuple[NodeStream | None, list[NodeEvent]]:
        """It has been kept, and takes effect: the stream as it is then, and what there is to say."""
        self._changes = plan.changes
        self._left_out.discard(plan.definition.key)
        if plan.old is None:
            stream = self._node.add(plan.definition)
            return stream, self._node.begin_default(stream, now)
        if plan.removes:
            return None, self._node.remove(plan.old, by, now)
        return self._node.edit(plan.old, plan.definition, now)

    def _check_allowed(self) -> None:
        if not self._allowed:
            why = "administration is not allowed at this node ([site] administration = false)"
            raise Refused(why, kind=Refusal.FORBIDDEN)
        if self._folder is None:
            why = "there is no state directory to keep changes in ([site] state_dir)"
            raise Refused(why, kind=Refusal.FORBIDDEN)

    def _check_room(self) -> None:
        if self._node.count >= _STREAMS:
            raise Refused(f"there are {_STREAMS} streams already", kind=Refusal.CONFLICT)

    def _changes_with(self, definition: StreamDefinition, change: StreamChange) -> Changes:
        key = definition.key
        after = {k: v for k, v in self._changes.items() if k != key}
        before = None if key in self._left_out else self._changes.get(key)
        kept = merged(before, change, configured=key in self._configured)
        if kept is not None:
            after[key] = kept
        return after

    # ---- after a restart

    def restore(self, changes: Changes, now: Now) -> None:
        """Apply what was changed before the process began. A change that no longer fits is left out, and kept."""
        self._configured = {stream.key for stream in self._node.streams}
        self._changes = changes
        # What goes makes room for what comes: an unnamed stream must be the only one.
        for (code, name), change in sorted(self._changes.items(), key=lambda item: item[1].kind != "remove"):
            try:
                self._restore(code, name, change, now)
            except Refused as e:
                self._left_out.add((code, name))
                if len(self._left_out) <= _SAID:
                    why = str(e)[:_WHY]
                    log.error(
                        "a change of a stream no longer fits", code=code, stream=name, change=change.kind, why=why
                    )
        if len(self._left_out) > _SAID:
            log.error("more changes of streams no longer fit", count=len(self._left_out) - _SAID)

    def _restore(self, code: str, name: str, change: StreamChange, now: Now) -> None:
        node, status = self._node, self._node.status(code)
        if change.kind in ("add", "replace"):
            self._check_room()
            definition = new_stream({**change.fields, "name": name}, status)
            if change.kind == "replace" and node.has(code, name):
                node.remove(node.stream(code, name), CONFIGURATION, now)
            node.add(definition)
        elif change.kind == "remove":
            node.remove(node.stream(code, name), CONFIGURATION, now)
        else:
            old = node.stream(code, name)
            node.edit(old, changed(old.definition, change.fields, status), now)


def added_status(fields: Mapping[str, Any]) -> str:
    """The code that an addition names.

    :raises Refused: it names none.
    """
    value = fields.get("code")
    if not isinstance(value, str) or not value:
        raise Refused("expected text" if "code" in fields else "is required, and not there", "code")
    return value.replace("/", ".")


def added_name(fields: Mapping[str, Any]) -> str:
    """The name of the stream of an addition; empty: the unnamed one.

    :raises Refused: it is none.
    """
    name = fields.get("name")
    if name is None or name == RESERVED:
        return ""
    if not isinstance(name, str):
        raise Refused("expected text", "name")
    return name
