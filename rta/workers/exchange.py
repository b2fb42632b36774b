"""One `/metrics` for all workers: the one that is scraped asks the others for theirs."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

import structlog
import trio

from rta.errors import NotConnectedError
from rta.metrics import METRICS, Merge
from rta.workers.local_http import request_locally
from rta.workers.membership import Membership

__all__ = ["MetricsExchange", "merge_metrics"]

log = structlog.get_logger("rta.workers")

_PATIENCE = 0.5  # seconds for another worker to answer
_RULES: Mapping[str, Merge] = {m.name: m.merge for m in METRICS}


class MetricsExchange:
    """The metrics of this worker and of the others, in one text."""

    def __init__(self, membership: Membership, render: Callable[[], Awaitable[bytes]]) -> None:
        """`render`: the metrics of this worker, in the Prometheus text format."""
        self._membership = membership
        self._render = render

    async def gather(self) -> bytes:
        """The metrics of all workers that answer."""
        found = [await self._render()]
        async with trio.open_nursery() as nursery:
            for index in range(self._membership.count):
                if index != self._membership.index:
                    nursery.start_soon(self._ask, index, found)
        return merge_metrics(found)

    async def _ask(self, index: int, found: list[bytes]) -> None:
        with trio.move_on_after(_PATIENCE) as scope, suppress(NotConnectedError):
            answer = await request_locally(self._membership.socket_of(index), "GET", b"/metrics")
            if answer.status == 200:
                found.append(answer.body)
                return
        log.debug("a worker does not give its metrics", worker=index, late=scope.cancelled_caught)


def merge_metrics(texts: Iterable[bytes]) -> bytes:
    """Merge the metrics of several workers; `METRICS` says which ones are added up."""
    comments: dict[str, list[str]] = {}
    values: dict[str, dict[str, float]] = {}
    for text in texts:
        for line in text.decode().split("\n"):
            if line.startswith("# "):
                name = line.split(" ", 3)[2]
                known = comments.setdefault(name, [])
                if line not in known:
                    known.append(line)
            elif line:
                sample, _, value = line.rpartition(" ")
                name = sample.partition("{")[0]
                of_family = values.setdefault(_family(name, comments), {})
                number = float(value)
                of_family[sample] = _merged(name, of_family[sample], number) if sample in of_family else number
    lines = []
    for name, said in comments.items():
        lines += said
        lines += [f"{sample} {_number(value)}" for sample, value in values.get(name, {}).items()]
    return ("\n".join(lines) + "\n").encode()


def _family(name: str, comments: Mapping[str, object]) -> str:
    return name if name in comments else next((n for n in (name.rpartition("_")[0],) if n in comments), name)


def _merged(name: str, one: float, other: float) -> float:
    if name.endswith("_created"):
        return min(one, other)
    match _RULES.get(name, Merge.SUM):
        case Merge.SUM:
            return one + other
        case Merge.MAX:
            return max(one, other)
        case Merge.MIN:
            return min(one, other)


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
