"""Each `Source:` of the code can be opened: it names a heading of a page in docs/, or a section of a standard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("rta", "transports", "proto", "scripts", "tests")

_SOURCE = re.compile(r"\bSource: +(.+?)(?:\.(?=\s|$|\"\"\")|\"\"\"|\n\s*\n|\Z)", re.DOTALL)
_PAGE = re.compile(r"docs/([\w-]+\.md), +(\"[^\"]+\"(?:(?:,| and) +\"[^\"]+\")*)(?:, .+)?")
_STANDARDS = (
    re.compile(r"MQTT 5\.0, sections? \d+(\.\d+)*\b"),
    re.compile(r"RFC \d+, (section )?\d+(\.\d+)*\b"),
    re.compile(r"\"[^\"]+\", sqlite\.org/\w+\.html, section \d+$"),
)


def sources(text: str) -> Iterator[tuple[int, str]]:
    """Line and reference of each `Source:`."""
    for found in _SOURCE.finditer(text):
        if not text[: found.start()].endswith(("`", "/")):
            yield text.count("\n", 0, found.start()) + 1, " ".join(re.sub(r"\n\s*(#|//)?", " ", found[1]).split())


def unresolved(reference: str) -> list[str]:
    """What of a reference leads nowhere."""
    out = []
    for part in reference.split("; "):
        if page := _PAGE.fullmatch(part):
            path = ROOT / "docs" / page[1]
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE) if path.exists() else []
            out += [f'docs/{page[1]}, "{name}"' for name in re.findall(r'"([^"]+)"', page[2]) if name not in headings]
        elif not any(standard.match(part) for standard in _STANDARDS):
            out.append(part)
    return out


def test_every_source_of_the_code_is_a_heading_or_a_standard() -> None:
    files = [p for folder in FOLDERS for kind in ("py", "proto") for p in sorted((ROOT / folder).rglob(f"*.{kind}"))]
    found = [(p.relative_to(ROOT), *source) for p in files if p != Path(__file__) for source in sources(p.read_text())]
    assert len({path for path, *_ in found}) > 40
    assert [f"{path}:{line}: {lost}" for path, line, said in found for lost in unresolved(said)] == []


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ('"""A. Source: docs/rsmp.md, "Pruning"."""', []),
        ('"""Source: docs/rsmp.md, "Nodes, topics,\n    payloads" and "CBOR". More."""', []),
        ('"""Source: docs/redis.md, "What is in Redis", the hashes."""', []),
        ("Source: MQTT 5.0, sections 2.1.4 (lengths), 3.3 (PUBLISH).", []),
        ('Source: docs/rsmp.md, "Pruned".', ['docs/rsmp.md, "Pruned"']),
        ('Source: docs/none.md, "Pruning".', ['docs/none.md, "Pruning"']),
        ('Source: protocol notes, "Pruning".', ['protocol notes, "Pruning"']),
        ('Source: docs/rsmp.md, "Pruning"; hearsay.', ["hearsay"]),
        ("Source: MQTT 5.0.", ["MQTT 5.0"]),
    ],
)
def test_a_source_that_leads_nowhere_is_found(text: str, lost: list[str]) -> None:
    [(_, reference)] = sources(text)
    assert unresolved(reference) == lost
