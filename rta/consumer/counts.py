"""A reporter for programs that have no metrics: counts in a dictionary, and one log line per source and kind."""

from __future__ import annotations

import structlog

__all__ = ["Counts"]

log = structlog.get_logger("rta.consumer")

_SOURCES = 1000  # sources of malformed input told apart


class Counts:
    """Counts by name; labels follow the name in braces."""

    def __init__(self) -> None:
        self.counts: dict[str, float] = {}
        self._seen: dict[tuple[str, str], None] = {}

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.count("rta_malformed_total", kind=kind)
        if (source, kind) not in self._seen:
            self._seen[source, kind] = None
            if len(self._seen) > _SOURCES:
                del self._seen[next(iter(self._seen))]
            log.warning("left out malformed input", source=source, kind=kind, detail=detail)

    def notice(self, source: str, kind: str, detail: str) -> None:
        self.count("rta_notices_total", kind=kind)
        log.info(detail, source=source, kind=kind)

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        name = _named(metric, labels)
        self.counts[name] = self.counts.get(name, 0) + amount

    def gauge(self, metric: str, amount: float, **labels: str) -> None:
        self.counts[_named(metric, labels)] = amount


def _named(metric: str, labels: dict[str, str]) -> str:
    return metric + "".join(f"{{{k}={v}}}" for k, v in sorted(labels.items()))
