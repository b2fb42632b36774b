"""Which faults come when: drawn from a seed, so that a run can be had again. Plain code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from random import Random

from attrs import frozen

__all__ = ["KILLS", "LANES", "LEAST", "Fault", "drawn"]

LANES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "redis": {"redis killed": (0.1, 3.0), "redis paused": (0.5, 6.0)},
    "edge": {"edge killed": (0.1, 1.0), "edge stopped": (0.1, 1.0), "clients cut": (0.0, 0.0)},
    "archive": {"archive killed": (0.0, 0.0), "archive paused": (0.5, 4.0)},
    "broker": {
        "broker killed": (0.1, 4.0),
        "broker emptied": (0.1, 2.0),
        "broker paused": (0.5, 5.0),
        "network cut": (0.0, 3.0),
        "network still": (0.5, 5.0),
        "network deaf": (1.0, 6.0),
        "cut in a replay": (5.0, 5.0),
        "cut before an acknowledgement": (5.0, 5.0),
    },
    "node": {
        "node killed": (0.1, 3.0),
        "node stopped": (0.1, 2.0),
        "disk full": (1.0, 8.0),
        "clock forward": (4.0, 8.0),
        "clock back": (4.0, 8.0),
    },
    "history": {"history killed": (0.0, 0.0), "history paused": (0.5, 4.0)},
}
"""Faults that do not overlap among themselves, and how long each lasts, in seconds."""

KILLS = ("redis killed", "edge killed", "broker killed", "node killed", "history killed", "archive killed")
"""Those whose number can be asked for."""

LEAST = 1.0
"""Seconds between the end of a fault and the next."""
_KILLING = 0.7  # of the time; after that no process of ours is killed, so that growth can be seen
_ENDS_A_LIFE = ("edge killed", "edge stopped", "node killed", "node stopped")


@frozen(order=True)
class Fault:
    """`at` and `lasting` in seconds."""

    at: float
    kind: str
    lasting: float


def drawn(seed: int, lane: str, seconds: float, pause: float, kills: int, without: Sequence[str] = ()) -> list[Fault]:
    """The faults of one lane, in order; each kind at least once.

    `pause`: between two faults, on average. `kills`: of each kind that kills; 0: as many as it happens to be. They
    are shorter and come closer together if there is no time for so many.
    """
    random = Random(f"{seed} {lane}")
    kinds = {k: v for k, v in LANES[lane].items() if k not in without}
    chosen = _in_order(_chosen(kinds, seconds, pause, kills), random)
    lasting = [random.uniform(*kinds[k]) for k in chosen]
    room = max(0.5 * seconds, seconds - LEAST * len(chosen))
    lasting = [x * min(1.0, room / sum(lasting)) for x in lasting] if any(lasting) else lasting
    gaps = [random.expovariate(1) for _ in range(len(chosen) + 1)]
    spare = seconds - sum(lasting)
    least = min(LEAST, 0.5 * spare / len(chosen))
    spare -= least * len(chosen)
    faults, at = [], 0.0
    for kind, duration, gap in zip(chosen, lasting, gaps, strict=False):
        at += least + gap / sum(gaps) * spare
        faults.append(Fault(at, kind, duration))
        at += duration
    return faults


def _chosen(kinds: Mapping[str, tuple[float, float]], seconds: float, pause: float, kills: int) -> list[str]:
    counted = [k for k in KILLS if k in kinds and kills]
    others = sorted(kinds.keys() - set(counted))
    mean = sum(least + most for least, most in kinds.values()) / 2 / len(kinds)
    chosen = [k for k in counted for _ in range(kills)]
    more = max(len(others), round(seconds / (pause + mean)) - len(chosen))
    return chosen + list(islice(cycle(others), more))


def _in_order(chosen: list[str], random: Random) -> list[str]:
    """By chance, but with all that ends a process of ours among the first."""
    random.shuffle(chosen)
    ending = [k for k in chosen if k in _ENDS_A_LIFE]
    rest = [k for k in chosen if k not in _ENDS_A_LIFE]
    with_them = max(0, round(len(chosen) * _KILLING) - len(ending)) if ending else len(rest)
    early = ending + rest[:with_them]
    random.shuffle(early)
    return early + rest[with_them:]
