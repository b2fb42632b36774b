"""Setting the wall clock of one process, where there is a C compiler to make what that takes."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import time
from pathlib import Path

__all__ = ["ProcessClock"]

_SOURCE = Path(__file__).with_name("clock.c")
_NS = struct.Struct("<q")


class ProcessClock:
    """The clock of processes that are started with `environ`."""

    def __init__(self, folder: Path) -> None:
        self.environ: dict[str, str] = {}
        """Empty where it cannot be set."""
        library, setting = folder / "clock.so", folder / "clock"
        compiler = shutil.which("cc") or shutil.which("gcc")
        self._map: mmap.mmap | None = None
        if compiler is None:
            return
        made = subprocess.run(
            [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"], capture_output=True
        )
        if made.returncode:
            return
        setting.write_bytes(_NS.pack(0))
        with setting.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _NS.size)
        self.environ = {"LD_PRELOAD": str(library), "SOAK_CLOCK": str(setting)}

    @property
    def can_be_set(self) -> bool:
        return self._map is not None

    def set(self, seconds: float) -> None:
        """So much ahead of ours; negative: behind."""
        assert self._map is not None
        self._map[:] = _NS.pack(round(seconds * 1e9))

    def now(self) -> int:
        """What time it is there, ns since the Unix epoch."""
        ahead = _NS.unpack(self._map[:])[0] if self._map is not None else 0
        return time.time_ns() + int(ahead)
