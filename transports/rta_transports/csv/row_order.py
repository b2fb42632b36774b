"""Whether the rows stand in the order of their times, told from a sample. Plain code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from attrs import frozen

from rta_transports.csv.times.time_formats import TimeScale

__all__ = ["AS_IT_STANDS", "RowOrder", "is_in_blocks", "row_order"]

_FEW = 10  # falls for each rise, when the newest row is first
_RARE = 20  # steps forward of the things, for each one back
_BEHIND = 0.05  # of the rows are before the latest one, at least
_GAP = 4  # usual steps from one part to another at least
_FAR = 32  # usual steps: things are no further apart where only their clocks differ


@frozen
class RowOrder:
    """In which order the rows are played."""

    backwards: bool
    """The last line first."""
    sorted: bool
    """By their times; of those that are the same, the line that stands first, or last with `backwards`."""
    careful: bool
    """A thing's own time must not go back, as its times do not say what that means."""
    reason: str

    @property
    def as_it_stands(self) -> bool:
        return not (self.backwards or self.sorted)


AS_IT_STANDS = RowOrder(False, False, False, "")


def row_order(times: Sequence[int], things: Sequence[object] | None, scale: TimeScale, wanted: bool | None) -> RowOrder:
    """How a file is played of which these are some rows, in its order. `times`: ns. `things`: what each of the rows of
    a long table is about. `wanted`: what the option says.

    Times that do not count since 1970 may begin again, at midnight or with the rounds of a counter: their lines are
    only turned round, so that what goes back can be told.
    """
    if wanted is False:
        return AS_IT_STANDS
    dated = scale is TimeScale.EPOCH
    backwards = _newest_first(times)
    own_backwards = things is not None and _newest_first_of_each(times, things)
    if backwards:
        return RowOrder(True, dated, False, "the newest row stands first")
    if wanted:
        return RowOrder(own_backwards, True, False, "as set")
    if things is not None and (own_backwards or is_in_blocks(times, things)):
        return RowOrder(own_backwards, True, not dated, "the rows of one thing follow those of another")
    if dated and (_in_no_order(times) or _in_parts(times)):
        return RowOrder(False, True, False, "the rows are not in the order of their dates")
    return AS_IT_STANDS


def is_in_blocks(times: Sequence[int], things: Sequence[object]) -> bool:
    """Whether time goes back between things, and not within them, and by so much that their clocks are not the reason.

    An outlier, a midnight and a run that is appended are within things.
    """
    back, forward, between = _steps_of_things(times, things)
    if between <= 2 * back or back * _RARE > forward or forward == 0:
        return False
    late = _lateness(times)
    behind = sum(by > 0 for by in late)
    if behind < max(2, _BEHIND * len(times)):
        return False
    same = sum(a == b for a, b in pairwise(things))
    return 2 * same >= len(times) - 1 or max(late) > _FAR * _usual_step(times)


def _newest_first(times: Sequence[int]) -> bool:
    """Whether times hardly do anything but go down."""
    rises, falls = _steps(times)
    return falls >= 2 and rises * _FEW <= falls


def _newest_first_of_each(times: Sequence[int], things: Sequence[object]) -> bool:
    """The same for the times of each thing."""
    back, forward, _ = _steps_of_things(times, things)
    return back >= 2 and forward * _FEW <= back


def _in_no_order(times: Sequence[int]) -> bool:
    """Whether times go back all the time, and far."""
    _, falls = _steps(times)
    late = _lateness(times)
    far = _FAR * _usual_step(times)
    return len(times) >= 3 * _FEW and falls * _RARE >= len(times) and 2 * sum(by > far for by in late) > len(times)


def _in_parts(times: Sequence[int]) -> bool:
    """Whether several parts, each in order, stand in another order than that of their dates, and no two overlap."""
    parts: list[list[int]] = []
    gap = _GAP * _usual_step(times)
    for time in times:
        if not parts or not 0 <= time - parts[-1][-1] <= gap:
            parts.append([])
        parts[-1].append(time)
    if _steps(times)[1] < 2 or min(map(len, parts)) < 2 or len(times) < _FEW:
        return False
    return all(a[-1] <= b[0] for a, b in pairwise(sorted(parts)))


def _steps(times: Sequence[int]) -> tuple[int, int]:
    return sum(a < b for a, b in pairwise(times)), sum(a > b for a, b in pairwise(times))


def _steps_of_things(times: Sequence[int], things: Sequence[object]) -> tuple[int, int, int]:
    """How often time goes back within a thing, forward within one, and back from one to another."""
    last: dict[object, int] = {}
    back = forward = between = 0
    for i, (time, thing) in enumerate(zip(times, things, strict=True)):
        before = last.get(thing, time)
        back += time < before
        forward += time > before
        between += i > 0 and things[i - 1] != thing and time < times[i - 1]
        last[thing] = time
    return back, forward, between


def _lateness(times: Sequence[int]) -> list[int]:
    """How much each time is before the latest one so far."""
    out: list[int] = []
    high = times[0] if times else 0
    for time in times:
        high = max(high, time)
        out.append(high - time)
    return out


def _usual_step(times: Sequence[int]) -> int:
    steps = sorted(b - a for a, b in pairwise(sorted(times)) if b > a)
    return steps[(len(steps) - 1) // 2] if steps else 0
