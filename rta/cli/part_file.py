"""A file that is being written, under another name until it is whole: `drive.csv.part`.

What can be taken up again has its place beside it, in `drive.csv.part.json`: up to there the part is on the disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from rta.errors import RtaError
from rta.export import ExportPiece, RowPlace

__all__ = ["PartFile"]

_EVERY = 1.0  # seconds between two places that are kept


class PartFile:
    """The part of one file. Blocks. What goes wrong with files is an `OSError`."""

    def __init__(self, path: Path) -> None:
        """:raises RtaError: another process writes it."""
        self.path = path
        self.bytes = 0
        """Written, those of an earlier process included."""
        self._part = path.with_name(f"{path.name}.part")
        self._beside = path.with_name(f"{path.name}.part.json")
        self.is_kept = False
        """Another process can go on with it."""
        self._said: dict[str, Any] = {}
        self._place: RowPlace | None = None
        self._upto = 0
        """Bytes up to the place."""
        self._kept = time.monotonic()
        self._out: IO[bytes] = self._part.open("ab")
        try:
            fcntl.flock(self._out, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have given it its name since it was opened: then what is locked is the whole file.
            locked = self._part.exists() and os.path.samestat(os.fstat(self._out.fileno()), self._part.stat())
        except OSError:
            locked = False
        if not locked:
            self._out.close()
            raise RtaError(f"{self._part} is being written by another process")

    def left(self) -> dict[str, Any]:
        """What an earlier process has said of its part; empty: there is none to go on with."""
        try:
            state = json.loads(self._beside.read_text(encoding="utf-8"))
            whole = state["bytes"] <= self._part.stat().st_size and len(state["place"]) == 2
            return dict(state["said"]) if whole else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def begin(self, said: dict[str, Any]) -> RowPlace | None:
        """Go on behind what an earlier process has written, if it has said the same; None: begin anew."""
        self._said = said
        if self.left() == said:
            state = json.loads(self._beside.read_text(encoding="utf-8"))
            self.bytes = self._upto = state["bytes"]
            self._place = RowPlace(*state["place"])
        self._out.truncate(self.bytes)
        if self._place is None:
            self._beside.unlink(missing_ok=True)
        return self._place

    def write(self, piece: ExportPiece) -> None:
        """Add a piece; now and then its place is kept."""
        self._out.write(piece.data)
        self.bytes += len(piece.data)
        if piece.place is not None:
            self._place, self._upto = piece.place, self.bytes
            if time.monotonic() - self._kept >= _EVERY:
                self.keep()

    def keep(self) -> None:
        """Make sure that the next process can go on from here."""
        self._out.flush()
        os.fsync(self._out.fileno())
        state = {"said": self._said, "bytes": self._upto, "place": self._place}
        new = self._beside.with_name(f"{self._beside.name}.new")
        try:
            new.write_text(json.dumps(state), encoding="utf-8")
            os.replace(new, self._beside)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        self._kept = time.monotonic()

    def finish(self) -> None:
        """The file is whole: it gets its name."""
        self._out.flush()
        os.fsync(self._out.fileno())
        os.replace(self._part, self.path)
        self._beside.unlink(missing_ok=True)
        self._out.close()

    def close(self, resumable: bool) -> None:
        """The file is not whole. The part stays where one can go on with it."""
        if self._out.closed:
            return
        try:
            if resumable and self._place is not None:
                self.keep()
                self.is_kept = True
        except OSError:  # a full disk: what was kept before still stands
            self.is_kept = bool(self.left())
            raise
        finally:
            if not self.is_kept:
                self._part.unlink(missing_ok=True)
                self._beside.unlink(missing_ok=True)
            with suppress(OSError):  # it has been told
                self._out.close()
