"""A mosquitto of the benchmark's own, which keeps nothing and leaves out nothing."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.bench.processes import BenchError, Child, free_port

__all__ = ["Mosquitto"]

_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 1000000
max_inflight_messages {in_flight}
log_type error
log_type warning
"""


class Mosquitto:
    """A broker on a port of its own; ended by its own id."""

    def __init__(self, folder: Path, in_flight: int = 1000) -> None:
        """`in_flight`: how many messages of QoS 1 a client may have sent that are not acknowledged."""
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None:
            raise BenchError("mosquitto is needed: apt-get install mosquitto")
        self.port = free_port()
        config = folder / f"mosquitto-{self.port}.conf"
        config.write_text(_CONFIG.format(port=self.port, in_flight=in_flight))
        self.child = Child([program, "-c", str(config)], folder / "mosquitto.log")
        try:
            self._await()
        except BaseException:
            self.child.stop()
            raise

    def _await(self) -> None:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if not self.child.running or time.monotonic() > until:
                    raise BenchError(f"mosquitto does not start:\n{self.child.errors()}") from None
                time.sleep(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.stop()
