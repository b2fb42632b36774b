"""The receiving side: builds `sink.c` when it is new, runs it, reads its result."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from scripts.bench.processes import BenchError, Child

__all__ = ["Sink", "build"]

_SOURCE = Path(__file__).with_name("sink.c")
_PROGRAM = Path(__file__).with_name("bin") / "sink"


def build() -> Path:
    """The compiled sink.

    :raises BenchError: it cannot be compiled.
    """
    if not _PROGRAM.exists() or _PROGRAM.stat().st_mtime < _SOURCE.stat().st_mtime:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise BenchError("a C compiler is needed for the receiving side: cc, gcc or clang")
        _PROGRAM.parent.mkdir(exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", str(_PROGRAM), str(_SOURCE)], check=True)
    return _PROGRAM


class Sink:
    """Clients that have subscribed. Options: see `sink.c`."""

    def __init__(self, folder: Path, port: int, clients: int, **options: object) -> None:
        argv = [str(build()), str(port), str(clients)]
        argv += [f"{k}={v}" for k, v in options.items() if v is not None]
        self.child = Child(argv, folder / "sink.log")
        try:
            self.child.line()
        except BenchError:
            self.child.stop()
            raise

    def result(self) -> dict[str, Any]:
        """Wait for the end, which the sink's options bound."""
        try:
            found: dict[str, Any] = json.loads(self.child.line())
        finally:
            self.child.stop()
        return found
