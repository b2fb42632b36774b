"""No `except*` clause raises: before Python 3.11.4 the caller would get a group around the error, and only there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("rta", "transports", "scripts", "tests")

_OWN_FLOW = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def raises_in_except_star(source: str) -> list[int]:
    """The lines of the `raise` statements that stand in an `except*` clause."""
    clauses = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.TryStar)]
    found = {line for node in clauses for handler in node.handlers for line in _raises(handler)}
    return sorted(found)


def _raises(node: ast.AST) -> Iterator[int]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise):
            yield child.lineno
        if not isinstance(child, _OWN_FLOW):
            yield from _raises(child)


def test_no_except_star_clause_of_ours_raises() -> None:
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    having = [(path, source) for path in files if "except*" in (source := path.read_text())]
    assert having
    found = [f"{path.relative_to(ROOT)}:{line}" for path, source in having for line in raises_in_except_star(source)]
    assert not found, (
        "Python before 3.11.4 puts what an except* clause raises into a group. "
        f"Keep the error in a variable and raise it behind the try statement: {', '.join(found)}"
    )


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("try: f()\nexcept* OSError as e:\n    raise e.exceptions[0] from None\n", [3]),
        ("try: f()\nexcept* OSError:\n    if g():\n        raise\n", [4]),
        ("try: f()\nexcept* OSError: pass\nexcept* KeyError:\n    with g():\n        raise ValueError\n", [5]),
        ("try: f()\nexcept* OSError:\n    try: g()\n    except KeyError: raise\n", [4]),
        ("try: f()\nexcept* OSError: pass\nelse:\n    raise ValueError\nfinally:\n    raise KeyError\n", []),
        ("try: f()\nexcept* OSError:\n    def g():\n        raise ValueError\n", []),
        ("try: f()\nexcept OSError:\n    raise\n", []),
        ("e = None\ntry: f()\nexcept* OSError as g: e = g\nif e: raise e\n", []),
    ],
)
def test_each_such_raise_is_found_and_no_other(source: str, lines: list[int]) -> None:
    assert raises_in_except_star(source) == lines
