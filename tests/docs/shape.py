"""Whether a program says what a page shows: the same words, where numbers, times and other values differ."""

from __future__ import annotations

import re

__all__ = ["missing"]

_VALUE = re.compile(
    r"[><]?[-+~]?\(?\d[\d.,:TZ+/-]*[a-z]{0,3}\)?|[0-9a-f]{12,}\S*|[▁▂▃▄▅▆▇█]+|\S*[0-9a-f]{8}-\S*|\S*-[0-9a-f]{8}|…"
)


def missing(shown: list[str], said: str) -> list[str]:
    """The lines of a page that no line of what was said looks like."""
    lines = [line.split() for line in said.splitlines()]
    return [line for line in shown if line.strip() not in ("", "…") and not any(_fits(line.split(), x) for x in lines)]


def _fits(shown: list[str], said: list[str]) -> bool:
    """Whether the words stand there in their order; values may be of more or fewer words."""
    at = 0
    for word in shown:
        if (pattern := _pattern(word)) is None:
            continue
        while at < len(said) and not pattern.fullmatch(said[at]):
            at += 1
        if at == len(said):
            return False
        at += 1
    return bool(said)


def _pattern(word: str) -> re.Pattern[str] | None:
    """None for a value, which may be anything."""
    if _VALUE.fullmatch(word):
        return None
    begin = word.partition("…")[0]
    return re.compile(re.sub(r"\d+", r"[\\d.-]+", re.escape(begin)) + (r"\S*" if "…" in word else ""))
