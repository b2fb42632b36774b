"""What a consumer is refused."""

from __future__ import annotations

from rta.errors import RtaError

__all__ = ["CommandError"]


class CommandError(RtaError):
    """A node has answered a command with an error."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        """`field`: what of the command is to blame, if the node says so."""
        super().__init__(reason)
        self.reason = reason
        self.field = field
