"""How much memory a process and its children have, sampled in a thread."""

from __future__ import annotations

import threading
import time

from scripts.bench.processes import Child

__all__ = ["Memory"]

_EVERY = 0.05  # seconds


class Memory(threading.Thread):
    """Samples until it is ended."""

    def __init__(self, child: Child) -> None:
        super().__init__(daemon=True)
        self._child = child
        self._over = threading.Event()
        self.samples: list[tuple[int, float, float]] = []
        """When in ns, resident memory in MiB, CPU seconds used so far."""

    def run(self) -> None:
        while not self._over.wait(_EVERY):
            try:
                self.samples.append((time.time_ns(), self._child.rss_of_all(), self._child.cpu()))
            except (OSError, IndexError):
                continue  # a process of them has just ended

    def end(self) -> None:
        self._over.set()
        self.join()
