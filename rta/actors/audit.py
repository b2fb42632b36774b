"""The audit file: every start, stop, edit, deletion and command, with what is known of its sender; one JSON object a
line.

Owns the file. Receives records over a bounded channel, writes them in a thread; ends with the site, when all have
been written. Without a state directory the log has them, and nothing else.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
import trio

from rta.errors import DamagedFileError
from rta.formatting import without_tokens
from rta.health import Health
from rta.node.node_stream import Initiator, Now
from rta.ports import Reporter
from rta.rsmp.payload import iso
from rta.state_file import make_way, open_own_file, try_to_set_aside

__all__ = ["Audit"]

log = structlog.get_logger("rta.audit")

_FILE = "audit.jsonl"
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_LARGEST = 16 << 20  # bytes; then the file makes way for a new one
_KEPT = 4
_WAITING = 1024
_DETAIL = 2000  # characters of what was asked


class Audit:
    """Keeps the record."""

    def __init__(self, folder: Path | None, report: Reporter, health: Health) -> None:
        self._path = None if folder is None else folder / _FILE
        self._report = report
        self._health = health
        self._send, self._receive = trio.open_memory_channel[str](_WAITING)
        self._failing = False

    def note(self, now: Now, what: str, by: Initiator, outcome: str, **details: Any) -> None:
        """`what` was asked for or has happened: start, stop, prune, add, edit, remove, delete, or command."""
        log.info(what, by=str(by), outcome=outcome, **{k: v for k, v in details.items() if k in ("code", "stream")})
        if self._path is None:
            return
        subject = {"subject": by.subject} if by.subject else {}
        record = {
            "time": iso(now.wall), "what": what, "via": by.via, "who": by.who, **subject, "outcome": outcome, **details,
        }  # fmt: skip
        try:
            self._send.send_nowait(_line(record))
        except (trio.WouldBlock, trio.ClosedResourceError):
            self._report.count("rta_audit_dropped_total")

    async def run(self) -> None:
        """Until `close`."""
        async for first in self._receive:
            lines = [first]
            while len(lines) < _WAITING:
                try:
                    lines.append(self._receive.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
            await self._write(lines)

    def close(self) -> None:
        """There is no more; `run` ends when it has written what there is."""
        self._send.close()

    async def _write(self, lines: list[str]) -> None:
        assert self._path is not None
        try:
            # A write that hangs keeps its thread; the site does not wait for it.
            damage = await trio.to_thread.run_sync(_append, self._path, "".join(lines), abandon_on_cancel=True)
            self._failing = False
            if damage is not None:
                log.error(damage)
                self._report.count("rta_state_damaged_total")
                self._health.note("audit", damage)
        except OSError as e:
            self._report.count("rta_audit_dropped_total", len(lines))
            if not self._failing:
                log.error("the audit file cannot be written", path=str(self._path), error=str(e))
            self._failing = True


def _line(record: dict[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=False, default=str)
    if len(text) > 2 * _DETAIL:
        short = {k: v if len(str(v)) <= _DETAIL else str(v)[:_DETAIL] + "…" for k, v in record.items()}
        text = json.dumps(short, ensure_ascii=False, default=str)
    return without_tokens(text) + "\n"


def _append(path: Path, text: str) -> str | None:
    """What was wrong with the file, if something was."""
    damage = None
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = open_own_file(path, _FLAGS)
    except DamagedFileError as e:
        damage = f"{path.name} was damaged ({e}): {try_to_set_aside(path)}"
        descriptor = open_own_file(path, _FLAGS)
    with open(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        full = file.tell() > _LARGEST
    if full:
        make_way(path.with_suffix(f".{_KEPT}.jsonl"))  # whatever it is, there is room for those before it
        for number in range(_KEPT - 1, 0, -1):
            with suppress(FileNotFoundError):
                os.replace(path.with_suffix(f".{number}.jsonl"), path.with_suffix(f".{number + 1}.jsonl"))
        os.replace(path, path.with_suffix(".1.jsonl"))
    return damage
