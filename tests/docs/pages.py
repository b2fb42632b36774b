"""The pages of documentation, taken apart: their sections, and the blocks of code and commands in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGES", "ROOT", "Block", "Command", "Section", "prose", "sections"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "deploy" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


class Command(NamedTuple):
    """A line behind `$`, without its comment, and the lines that the page shows as its output."""

    line: str
    shown: list[str]


class Block(NamedTuple):
    """What stands between two fences. `language` is empty where the page names none."""

    language: str
    text: str

    @property
    def commands(self) -> list[Command]:
        out: list[Command] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                out.append(Command(re.sub(r"\s+#\s.*$", "", line[2:]), []))
            elif line.strip():
                assert out, f"a console block begins with a command, not with {line!r}"
                out[-1].shown.append(line)
        return out


class Section(NamedTuple):
    """A heading of the second level, with the blocks below it."""

    page: str
    heading: str
    blocks: list[Block]

    def __str__(self) -> str:
        return f"{self.page}#{self.heading}"


def sections(page: Path) -> list[Section]:
    """Those that have a block."""
    out = [Section(page.relative_to(ROOT).as_posix(), "", [])]
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if fence := re.fullmatch(r"```(\w*)", line):
            text: list[str] = []
            for inner in lines:
                if inner == "```":
                    break
                text.append(inner)
            else:
                raise AssertionError(f"{page}: the last block has no end")
            out[-1].blocks.append(Block(fence[1], "\n".join(text) + "\n"))
        elif line.lstrip().startswith(("```", "~~~")):
            raise AssertionError(
                f"{page}: a block that nothing runs begins with {line!r}: begin it with ``` and a word"
            )
        elif line.startswith("## "):
            out.append(Section(out[0].page, line[3:], []))
    return [section for section in out if section.blocks]


def prose(page: Path) -> list[tuple[int, str]]:
    """Number and text of the lines that are neither a block, nor a table, nor a heading."""
    out, inside = [], False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside and line.strip() and not line.startswith(("|", "#")):
            out.append((number, line))
    return out
