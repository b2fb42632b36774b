"""Names that are too long for their place: cut in the middle, where they differ least, and always told apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import lru_cache

from rich.cells import cell_len

__all__ = ["cut_end", "cut_middle", "shorten"]

_MARK = "…"


def cut_middle(text: str, width: int) -> str:
    """A text in at most `width` columns of a terminal, without its middle."""
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    end = _first_cells(text[::-1], (width - 1) // 2)[::-1]
    return _first_cells(text, width - 1 - cell_len(end)) + _MARK + end


def cut_end(text: str, width: int) -> str:
    """A text in at most `width` columns of a terminal, without its end."""
    return text if cell_len(text) <= width else _first_cells(text, width - 1) + _MARK if width > 0 else ""


@lru_cache(maxsize=16)  # a table is drawn again and again
def shorten(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Each name in at most `width` columns of a terminal; names that differ still do, if there is any room.

    What is cut is the middle. Of names that would look the same, the parts that differ are kept, and of what is common
    to them as much as has room; if that is not enough, they are numbered.
    """
    found = {name: cut_middle(name, width) for name in dict.fromkeys(names)}
    for kind in (lambda name: "", found.__getitem__):
        for group in _alike(found, kind):
            others = {text for name, text in found.items() if name not in group}
            tried = dict(zip(group, _with_differences(group, width), strict=True))
            if len(set(tried.values())) == len(group) and not others.intersection(tried.values()):
                found |= tried
    number = 0
    for text, count in Counter(found.values()).items():
        for name in [n for n, shown in found.items() if shown == text != n and count > 1]:
            number += 1
            mark = f"{_MARK}#{number}"
            found[name] = _first_cells(name, max(width - len(mark), 0)) + mark
    return tuple(found[name] for name in names)


def _alike(found: Mapping[str, str], kind: Callable[[str], str]) -> list[set[str]]:
    """Names that are cut, have equally many parts and are of one kind, in groups in which some look the same."""
    groups: dict[tuple[str, int], set[str]] = {}
    for name, text in found.items():
        if text != name:
            groups.setdefault((kind(name), len(_parts(name))), set()).add(name)
    return [group for group in groups.values() if len({found[name] for name in group}) < len(group)]


def _parts(name: str) -> list[str]:
    """Words, numbers, and what is between them."""
    return re.findall(r"[^\W\d_]+|\d+|[\W_]+", name)


def _with_differences(group: Iterable[str], width: int) -> list[str]:
    """Names of equally many parts: those in which they differ, and of the others what is nearest to them."""
    names = [_parts(name) for name in group]
    differing = [number for number, parts in enumerate(zip(*names, strict=True)) if len(set(parts)) > 1]
    count = len(names[0])
    before = [number - distance for distance in (1, 2) for number in differing]
    after = sorted(range(count), key=lambda n: min((abs(n - number) for number in differing), default=0))
    kept = set(differing)
    for number in dict.fromkeys((*before, 0, *after)):
        wider = [_joined(parts, kept | {number}) for parts in names] if 0 <= number < count else []
        if wider and max(map(cell_len, wider)) <= width:
            kept.add(number)
    alone = {n for n in kept.difference(differing) if not names[0][n].isalnum() and kept.isdisjoint((n - 1, n + 1))}
    shown = [_joined(parts, kept - alone) for parts in names]
    return [cut_end(text, width) for text in shown]


def _joined(parts: Sequence[str], kept: Container[int]) -> str:
    """The parts that are kept, with a mark for each stretch of others."""
    out: list[str] = []
    for number, part in enumerate(parts):
        if number in kept:
            out.append(part)
        elif not out or out[-1] != _MARK:
            out.append(_MARK)
    return "".join(out)


def _first_cells(text: str, width: int) -> str:
    """The beginning of a text, in at most `width` columns."""
    if text.isascii():
        return text[: max(width, 0)]
    used, end = 0, 0
    for end, letter in enumerate(text):
        used += cell_len(letter)
        if used > width:
            return text[:end]
    return text
