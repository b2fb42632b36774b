"""Health: whether the service does its work, and if not, why."""

from __future__ import annotations

__all__ = ["Health"]


class Health:
    """Reasons to be unhealthy, each under the name of who reports it."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def fail(self, who: str, reason: str) -> None:
        """`who` cannot do its work because of `reason`."""
        self._reasons[who] = reason

    def ok(self, who: str) -> None:
        """`who` works again."""
        self._reasons.pop(who, None)

    @property
    def healthy(self) -> bool:
        return not self._reasons

    @property
    def reasons(self) -> list[str]:
        """One line each, sorted."""
        return sorted(f"{who}: {reason}" for who, reason in self._reasons.items())
