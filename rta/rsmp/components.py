"""Component lists as commands carry them: `dl/video/1,2`, `dl/radar/2-6,15-19,25`, groups: `sg`.

Source: docs/rsmp.md, "Components".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rta.errors import MalformedError
from rta.formatting import choices

__all__ = ["select_components"]

_PARTS = 256
_PART = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


def select_components(written: object, known: Iterable[str]) -> list[str]:
    """Those of the known ones that are meant, in the order in which they are known.

    `written`: one text, or a list of such. A group stands for all below it; a range takes the ones that there are.

    :raises MalformedError: kind `component`; it is no such text, or names nothing that is known.
    """
    texts = written if isinstance(written, list) else [written]
    known = list(known)
    chosen: set[str] = set()
    for text in texts[:_PARTS]:
        if not isinstance(text, str) or not text:
            raise MalformedError("component", f"expected a component as in sg/1, got {text!r:.60}")
        found = {c for c in known if c == text or c.startswith(text + "/")} or set(_ranged(text, known))
        if not found:
            there = choices(text[:60], {c: (c,) for c in known})
            raise MalformedError("component", f"there is no component {text[:60]!r}; {there}")
        chosen |= found
    if len(texts) > _PARTS:
        raise MalformedError("component", f"more than {_PARTS} components in a list; name their group")
    return [c for c in known if c in chosen]


def _ranged(text: str, known: list[str]) -> Iterable[str]:
    group, _, last = text.rpartition("/")
    numbers: list[tuple[int, int]] = []
    single: set[str] = set()
    parts = last.split(",")
    if not group or len(parts) > _PARTS:
        return
    for part in parts:
        fit = _PART.fullmatch(part)
        if fit is None:
            single.add(part)
        else:
            numbers.append((int(fit[1]), int(fit[2] or fit[1])))
    there = {c: c[len(group) + 1 :] for c in known if c.startswith(group + "/")}
    for component, end in there.items():
        if end in single or (end.isdecimal() and any(low <= int(end) <= high for low, high in numbers)):
            yield component
