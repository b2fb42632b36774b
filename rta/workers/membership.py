"""What a worker knows of its supervisor, which tells it in a variable and over a link that ends with the supervisor."""

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

__all__ = ["TICKET_KEY", "Membership"]

TICKET_KEY = "ticket-key"
"""The file of the supervisor's folder with the key that tickets are signed with."""

_VARIABLE = "_RTA_WORKER"  # not RTA_…, which is for options
_READY = b"r"


@frozen
class Membership:
    """The place of one worker among `count`."""

    index: int
    count: int
    port: int
    """The port that all workers share."""
    folder: Path
    """The supervisor's folder, with the sockets of the workers; only our user can read it."""
    link: int
    """The descriptor of the worker's end of the link."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """Read what the supervisor has said; None: the process is no worker."""
        text = environ.get(_VARIABLE)
        if text is None:
            return None
        fields = json.loads(text)
        return cls(**{**fields, "folder": Path(fields["folder"])})

    def environment(self) -> dict[str, str]:
        """The variable that tells a worker its place."""
        return {_VARIABLE: json.dumps({**attrs.asdict(self), "folder": str(self.folder)})}

    @property
    def primary(self) -> bool:
        """Whether this worker does what only one may do: the sources, the node, the pruner."""
        return self.index == 0

    @property
    def ticket_key_file(self) -> Path:
        """The file of the key that tickets of all workers are signed with, which the supervisor has made."""
        return self.folder / TICKET_KEY

    def socket_of(self, index: int) -> Path:
        """The socket at which a worker serves the others."""
        return self.folder / f"{index}.sock"

    async def attend(self, ready: trio.Event, stop: Callable[[], None]) -> None:
        """Tell the supervisor when the worker is ready; call `stop` when the supervisor has gone, however it went."""
        with trio.socket.from_stdlib_socket(socket.socket(fileno=self.link)) as link:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._announce, ready, link)
                with suppress(OSError):
                    while await link.recv(1):
                        pass
                nursery.cancel_scope.cancel()
        # A supervisor that was killed has not removed its folder.
        shutil.rmtree(self.folder, ignore_errors=True)
        stop()

    @staticmethod
    async def _announce(ready: trio.Event, link: trio.socket.SocketType) -> None:
        await ready.wait()
        with suppress(OSError):
            await link.send(_READY)
