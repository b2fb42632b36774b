"""Health: whether the service does its work, and if not, why; and what somebody has to look at though it does."""

from __future__ import annotations

__all__ = ["Health"]


_NOTES = 20


class Health:
    """Reasons to be unhealthy, each under the name of who reports it, and notes."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self.notes: list[str] = []
        """What has been damaged and set aside since the start, a line each; the first twenty."""

    def fail(self, who: str, reason: str) -> None:
        """`who` cannot do its work because of `reason`."""
        self._reasons[who] = reason

    def ok(self, who: str) -> None:
        """`who` works again."""
        self._reasons.pop(who, None)

    def note(self, who: str, what: str) -> None:
        """Something has been lost or set aside, and the work goes on."""
        line = f"{who}: {what}"
        if len(self.notes) < _NOTES and line not in self.notes:
            self.notes.append(line)

    @property
    def healthy(self) -> bool:
        return not self._reasons

    @property
    def reasons(self) -> list[str]:
        """One line each, sorted."""
        return sorted(f"{who}: {reason}" for who, reason in self._reasons.items())
