"""Health: whether the service does its work, and if not, why; and what somebody has to look at though it does."""

from __future__ import annotations

__all__ = ["Health"]


_NOTES = 20


class Health:
    """Reasons to be unhealthy, each under the name of who reports it, and notes."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._lacks: dict[str, str] = {}
        self._damage: list[str] = []

    def fail(self, who: str, reason: str) -> None:
        """`who` cannot do its work because of `reason`."""
        self._reasons[who] = reason

    def ok(self, who: str) -> None:
        """`who` works again."""
        self._reasons.pop(who, None)
        self._lacks.pop(who, None)

    def lack(self, who: str, what: str) -> None:
        """`who` has to do without something for now, and does the rest of its work: others could do no more."""
        self._lacks[who] = what

    def note(self, who: str, what: str) -> None:
        """Something has been lost or set aside, and the work goes on."""
        line = f"{who}: {what}"
        if len(self._damage) < _NOTES and line not in self._damage:
            self._damage.append(line)

    @property
    def healthy(self) -> bool:
        return not self._reasons

    @property
    def reasons(self) -> list[str]:
        """One line each, sorted."""
        return _lines(self._reasons)

    @property
    def notes(self) -> list[str]:
        """What has been damaged and set aside since the start, a line each, the first twenty; then what is lacking
        now."""
        return [*self._damage, *_lines(self._lacks)]


def _lines(told: dict[str, str]) -> list[str]:
    return sorted(f"{who}: {what}" for who, what in told.items())
