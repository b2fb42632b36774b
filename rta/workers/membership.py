"""What a worker knows of being one: told by the supervisor in a variable, and over a link that ends with it."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import attrs
import trio
from attrs import frozen

__all__ = ["Membership"]

_VARIABLE = "_RTA_WORKER"  # no option: RTA_ is for those
_READY = b"r"


@frozen
class Membership:
    """One of `count` workers."""

    index: int
    count: int
    port: int
    """The port that all of them share."""
    folder: Path
    """Where they find each other; the supervisor's, removed with it."""
    link: int
    """Descriptor of our end of the link."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """None: the process is on its own."""
        told = environ.get(_VARIABLE)
        if told is None:
            return None
        fields = json.loads(told)
        return cls(**{**fields, "folder": Path(fields["folder"])})

    def environment(self) -> dict[str, str]:
        """What tells a worker so."""
        return {_VARIABLE: json.dumps({**attrs.asdict(self), "folder": str(self.folder)})}

    @property
    def primary(self) -> bool:
        """Whether this one does what only one is to do: the sources, the pruner."""
        return self.index == 0

    def socket_of(self, index: int) -> Path:
        """Where a worker serves the others."""
        return self.folder / f"{index}.sock"

    async def attend(self, ready: trio.Event, stop: Callable[[], None]) -> None:
        """Tell the supervisor when we are ready; stop when it is gone, however it went."""
        with trio.socket.from_stdlib_socket(socket.socket(fileno=self.link)) as link:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._announce, ready, link)
                with suppress(OSError):
                    while await link.recv(1):
                        pass
                nursery.cancel_scope.cancel()
        # It would have removed the folder, and has not if it was killed.
        shutil.rmtree(self.folder, ignore_errors=True)
        stop()

    @staticmethod
    async def _announce(ready: trio.Event, link: trio.socket.SocketType) -> None:
        await ready.wait()
        with suppress(OSError):
            await link.send(_READY)
