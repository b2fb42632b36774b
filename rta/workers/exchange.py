"""One `/metrics` for all workers: whoever is scraped asks the others, over sockets in the supervisor's folder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog
import trio

from rta.metrics import METRICS, Merge
from rta.workers.local_socket import serve_at
from rta.workers.membership import Membership

__all__ = ["MetricsExchange", "merge_metrics"]

log = structlog.get_logger("rta.workers")

_PATIENCE = 0.5  # seconds for another worker to answer
_LONGEST = 8 << 20
_RULES: Mapping[str, Merge] = {m.name: m.merge for m in METRICS}


class MetricsExchange:
    """Gives our metrics to the other workers, and theirs to us."""

    def __init__(self, membership: Membership, render: Callable[[], bytes]) -> None:
        """`render`: our own, in the Prometheus text format."""
        self._membership = membership
        self._render = render

    async def serve(self) -> None:
        """Until cancelled."""
        await serve_at(self._path(self._membership.index), self._answer)

    async def _answer(self, stream: trio.SocketStream) -> None:
        with trio.move_on_after(_PATIENCE), suppress(trio.BrokenResourceError):
            async with stream:
                await stream.send_all(self._render())

    async def gather(self) -> bytes:
        """The metrics of all workers that answer."""
        found = [self._render()]
        async with trio.open_nursery() as nursery:
            for index in range(self._membership.count):
                if index != self._membership.index:
                    nursery.start_soon(self._ask, index, found)
        return merge_metrics(found)

    async def _ask(self, index: int, found: list[bytes]) -> None:
        answer = b""
        with trio.move_on_after(_PATIENCE) as scope, suppress(OSError, trio.BrokenResourceError):
            async with await trio.open_unix_socket(self._path(index)) as stream:
                async for data in stream:
                    answer += data
                    if len(answer) > _LONGEST:
                        return
                found.append(answer)
                return
        log.debug("worker does not tell its metrics", worker=index, late=scope.cancelled_caught)

    def _path(self, index: int) -> Path:
        return self._membership.folder / f"{index}.sock"


def merge_metrics(texts: Iterable[bytes]) -> bytes:
    """Several renderings as one; `METRICS` says which are added and which are not."""
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
