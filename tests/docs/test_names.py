"""One name for one thing, and one thing for one name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for folder in ("rta", "transports")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "_pb" not in path.parts
]
VAGUE = {"take", "look", "process", "do"}
"""Verbs that have meant too many things: say `feed`, `handle`, `put`, `drain`, `acquire`, `refresh` or what it is."""


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                yield path, node


def test_a_public_class_has_a_name_of_its_own():
    places: dict[str, list[str]] = defaultdict(list)
    for path, node in classes():
        if not node.name.startswith("_"):
            places[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_methods_are_called_by_what_they_do():
    vague = [
        f"{path.relative_to(ROOT).as_posix()}: {node.name}.{method.name}"
        for path, node in classes()
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name.lstrip("_") in VAGUE
    ]
    assert vague == []


def test_the_glossary_names_classes_that_there_are():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Words")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\|.*\|$", table, re.MULTILINE) for name in re.findall(r"`([A-Z]\w+)`", row)}
    there = {node.name for _, node in classes()}
    assert named, "the glossary names no class"
    assert named - there == set()
