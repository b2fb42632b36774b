"""What can be done with the streams of a node, whoever asks: over topics, over HTTP, on the command line.

Everything that is done or refused is noted in the audit file. Changes of administration are kept in the state directory
before they take effect; one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
import trio

from rta.actors.audit import Audit
from rta.actors.recorder import Recorder
from rta.node.changes import Changes, StreamChange, changed, load_changes, merged, new_stream, save_changes
from rta.node.listing import list_stream
from rta.node.node import Node, NodeEvent
from rta.node.node_stream import CONFIGURATION, Initiator, NodeStream, Now, Refusal, Refused
from rta.rsmp.topics import RESERVED
from rta.stream.definition import StreamDefinition

__all__ = ["Streams"]

log = structlog.get_logger("rta.node")

_STREAMS = 10_000  # of a node that can be added


class Streams:
    """The streams of one node."""

    def __init__(
        self,
        node: Node,
        emit: Callable[[list[NodeEvent]], None],
        audit: Audit,
        clock: Callable[[], Now],
        state_dir: Path | None,
        administration: bool,
        history: Recorder,
    ) -> None:
        """`emit` sends what the node has to say."""
        self._node = node
        self._emit = emit
        self._audit = audit
        self._clock = clock
        self._state_dir = state_dir
        self._administration = administration
        self._history = history
        self._changing = trio.Lock()
        self._changes: Changes = {}
        self.changed: Callable[[], None] = lambda: None
        """Called after whatever may have changed when something is due, or whom a stream is for."""
        self._configured: set[tuple[str, str]] = set()
        self._left_out: set[tuple[str, str]] = set()
        """Changes that are kept and have no effect."""
        self._ended = False

    def end(self) -> None:
        """Nothing is done any more."""
        self._ended = True

    # ---- looking

    def list(self, code: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        """All streams, those of a status, or one. The name `default` is the unnamed one.

        :raises Refused: there is no such status or stream.
        """
        if code is None:
            chosen = self._node.streams
        elif name is None:
            chosen = [s for s in self._node.streams if s.definition.code == code]
            if code not in self._node.statuses:
                raise Refused(f"there is no status {code!r}", "code", Refusal.UNKNOWN)
        else:
            chosen = [self._find(code, name)]
        return [self._listed(s) for s in chosen]

    async def look(self) -> None:
        """See what is kept of them: it is listed as it was when somebody looked last."""
        await self._history.look()

    def _find(self, code: str, name: str) -> NodeStream:
        return self._node.stream(code, "" if name == RESERVED else name)

    def _listed(self, stream: NodeStream) -> dict[str, Any]:
        return list_stream(stream, self._node.pruning, self._clock(), self._history.bounds(stream.key))

    # ---- start and stop

    def start(
        self, code: str, name: str, by: Initiator, timeout: float | None = None, consumer: str | None = None
    ) -> dict[str, Any]:
        """Start or renew; the stream as listed. `timeout` in seconds.

        :raises Refused: it cannot be done.
        """
        details = {"timeout": timeout, "consumer": consumer}
        with self._noted("start", by, code, name, {k: v for k, v in details.items() if v is not None}):
            stream = self._find(code, name)
            self._emit(self._node.start(stream, by, self._clock(), timeout, consumer))
        self.changed()
        return self._listed(stream)

    def stop(self, code: str, name: str, by: Initiator) -> dict[str, Any]:
        """Stop; the stream as listed.

        :raises Refused: there is none.
        """
        with self._noted("stop", by, code, name):
            stream = self._find(code, name)
            self._emit(self._node.stop(stream, by, self._clock()))
        self.changed()
        return self._listed(stream)

    def prune(self) -> tuple[str, ...]:
        """Stop what is due; the reason of each."""
        now = self._clock()
        pruned, out = self._node.prune(now)
        reasons = [stream.stopped_by or Initiator("pruning") for stream in pruned]
        for stream, by in zip(pruned, reasons, strict=True):
            self._audit.note(now, "prune", by, "ok", code=stream.definition.code, stream=stream.definition.name)
        self._emit(out)
        if pruned:
            self.changed()
        return tuple(by.who for by in reasons)

    # ---- administration

    async def add(self, fields: Mapping[str, Any], by: Initiator) -> dict[str, Any]:
        """A new stream of a status; as listed.

        :raises Refused: administration is not allowed, or a field is wrong.
        """
        code, name = _text(fields, "code").replace("/", "."), _name(fields)
        with self._noted("add", by, code, name, {"fields": dict(fields)}):
            async with self._changing:
                self._check_allowed()
                status = self._node.statuses.get(code)
                if status is None:
                    raise Refused(f"there is no status {code!r}", "code", Refusal.UNKNOWN)
                definition = new_stream({**fields, "name": name}, status)
                if len(self._node.streams) >= _STREAMS:
                    raise Refused(f"there are {_STREAMS} streams already", kind=Refusal.CONFLICT)
                self._node.check_names(definition)
                kept = {k: v for k, v in fields.items() if k not in ("code", "name") and v is not None}
                await self._keep(definition, StreamChange("add", kept))
                stream = self._node.add(definition, self._clock())
                self._emit(self._node.begin_default(stream, self._clock()))
        self.changed()
        return self._listed(stream)

    async def edit(self, code: str, name: str, fields: Mapping[str, Any], by: Initiator) -> dict[str, Any]:
        """Change some settings of a stream; null is the default. A running one starts anew unless only its description
        changes. As listed.

        :raises Refused: administration is not allowed, there is no such stream, or a field is wrong.
        """
        with self._noted("edit", by, code, name, {"fields": dict(fields)}):
            async with self._changing:
                self._check_allowed()
                old = self._find(code, name)
                for fixed in ("code", "name"):
                    if fixed in fields:
                        raise Refused("cannot be changed; add another stream and remove this one", fixed)
                definition = changed(old.definition, fields, self._node.statuses[old.definition.code])
                await self._keep(definition, StreamChange("edit", dict(fields)))
                stream, out = self._node.edit(old, definition, self._clock())
                self._emit(out)
        self.changed()
        return self._listed(stream)

    async def remove(self, code: str, name: str, by: Initiator) -> None:
        """Stop a stream and forget it; what is retained of it is cleared.

        :raises Refused: administration is not allowed, or there is none.
        """
        with self._noted("remove", by, code, name):
            async with self._changing:
                self._check_allowed()
                stream = self._find(code, name)
                await self._keep(stream.definition, StreamChange("remove"))
                self._emit(self._node.remove(stream, by, self._clock()))
        self.changed()

    def restore(self) -> None:
        """Apply what was changed before the process began. A change that no longer fits is left out, and kept.

        :raises RtaError: the state directory cannot be read.
        """
        self._configured = {stream.key for stream in self._node.streams}
        if self._state_dir is None:
            return
        self._changes = load_changes(self._state_dir)
        # What goes makes room for what comes: an unnamed stream must be the only one.
        for (code, name), change in sorted(self._changes.items(), key=lambda item: item[1].kind != "remove"):
            try:
                self._restore(code, name, change)
            except Refused as e:
                self._left_out.add((code, name))
                log.error("a change of a stream no longer fits", code=code, stream=name, change=change.kind, why=str(e))

    def _restore(self, code: str, name: str, change: StreamChange) -> None:
        now, status = self._clock(), self._node.statuses.get(code)
        if status is None:
            raise Refused(f"there is no status {code!r}", "code", Refusal.UNKNOWN)
        if change.kind in ("add", "replace"):
            definition = new_stream({**change.fields, "name": name}, status)
            if change.kind == "replace" and self._node.has(code, name):
                self._node.remove(self._node.stream(code, name), CONFIGURATION, now)
            self._node.add(definition, now)
        elif change.kind == "remove":
            self._node.remove(self._node.stream(code, name), CONFIGURATION, now)
        else:
            old = self._node.stream(code, name)
            self._node.edit(old, changed(old.definition, change.fields, status), now)

    def _check_allowed(self) -> None:
        if not self._administration:
            why = "administration is not allowed at this node ([site] administration = false)"
            raise Refused(why, kind=Refusal.FORBIDDEN)
        if self._state_dir is None:
            why = "there is no state directory to keep changes in ([site] state_dir)"
            raise Refused(why, kind=Refusal.FORBIDDEN)

    async def _keep(self, definition: StreamDefinition, change: StreamChange) -> None:
        assert self._state_dir is not None
        if definition.history is not None:
            await self._history.open()
        key = definition.code, definition.name
        after = {k: v for k, v in self._changes.items() if k != key}
        before = None if key in self._left_out else self._changes.get(key)
        kept = merged(before, change, configured=key in self._configured)
        if kept is not None:
            after[key] = kept
        try:
            # Not to be broken off: either it is kept and takes effect, or neither.
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(save_changes, self._state_dir, after)
        except OSError as e:
            why = f"the change cannot be kept in {self._state_dir}: {e.strerror or e}"
            raise Refused(why, kind=Refusal.UNAVAILABLE) from None
        self._changes = after
        self._left_out.discard(key)

    # ---- the record

    @contextmanager
    def _noted(
        self, what: str, by: Initiator, code: str, name: str, details: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        about = {"code": code, "stream": name, **(details or {})}
        try:
            if self._ended:
                raise Refused("the node is shutting down", kind=Refusal.UNAVAILABLE)
            yield
        except Refused as e:
            self._audit.note(self._clock(), what, by, f"refused: {e}", **about)
            raise
        self._audit.note(self._clock(), what, by, "ok", **about)


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise Refused("expected text" if key in fields else "is required, and not there", key)
    return value


def _name(fields: Mapping[str, Any]) -> str:
    name = fields.get("name")
    if name is None or name == RESERVED:
        return ""
    if not isinstance(name, str):
        raise Refused("expected text", "name")
    return name
