"""Which clause catches an error of ours does not depend on the order of the clauses, and the errors of a transport say
what the caller may do."""

from __future__ import annotations

import ast
import builtins
import pkgutil
from itertools import permutations
from pathlib import Path

import pytest

from rta.errors import RtaError

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "rta", ROOT / "transports", ROOT / "scripts")
FILES = [p for folder in FOLDERS for p in sorted(folder.rglob("*.py")) if "_pb" not in p.parts]


def module_of(path: Path) -> str:
    base = ROOT / "transports" if path.is_relative_to(ROOT / "transports") else ROOT
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


def clauses_in_order(source: str, module: str) -> list[str]:
    """`line: Sub is a Base` for each two errors of ours, named in two clauses of a `try`, where one is a case of
    the other. Python's own (`BlockingIOError`, `OSError`) are left out: their order is known to everybody."""
    tree = ast.parse(source)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {
                a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            known |= {a.asname or a.name: f"{node.module}:{a.name}" for a in node.names}
        elif isinstance(node, ast.ClassDef):
            known[node.name] = f"{module}:{node.name}"

    def named(expression: ast.expr) -> list[type]:
        if isinstance(expression, ast.Tuple):
            return [cls for part in expression.elts for cls in named(part)]
        first, *rest = ast.unparse(expression).split(".")
        if first in known:
            found = pkgutil.resolve_name(".".join([known[first], *rest]))
        else:
            found = getattr(builtins, first)
        return list(found) if isinstance(found, tuple) else [found]

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.TryStar) and len(node.handlers) > 1:
            clauses = [(h.lineno, named(h.type)) for h in node.handlers if h.type is not None]
            for (line, ours), (_, theirs) in permutations(clauses, 2):
                found += [
                    f"{line}: {sub.__name__} is a {cls.__name__}"
                    for sub in ours
                    for cls in theirs
                    if issubclass(cls, RtaError) and issubclass(sub, cls)
                ]
    return found


def test_no_clause_catches_a_case_of_what_another_catches() -> None:
    found = [f"{p.relative_to(ROOT)}:{line}" for p in FILES for line in clauses_in_order(p.read_text(), module_of(p))]
    assert not found, "each clause names what it acts on, and nothing that another names too: " + "; ".join(found)


IMPORTS = "from rta.errors import HistoryError, QueueFullError as Q, TransportError\nimport rta.errors as e\n"


@pytest.mark.parametrize(
    ("clauses", "found"),
    [
        ("except e.MalformedError: pass\nexcept Q: pass", []),
        ("except Q: pass\nexcept TransportError: pass", ["4: QueueFullError is a TransportError"]),
        ("except (ValueError, e.RtaError): pass\nexcept (KeyError, Q): pass", ["5: QueueFullError is a RtaError"]),
        ("except* Q: pass\nexcept* e.TransportError: pass", ["4: QueueFullError is a TransportError"]),
        ("except Q:\n    try: g()\n    except TransportError: pass", []),
        ("except HistoryError: pass\nexcept Exception: pass", []),
        ("except BlockingIOError: pass\nexcept OSError: pass", []),
    ],
)
def test_each_such_clause_is_found_and_no_other(clauses: str, found: list[str]) -> None:
    assert clauses_in_order(f"{IMPORTS}try: f()\n{clauses}\n", "rta") == found


def test_an_error_of_a_transport_is_always_one_that_says_what_the_caller_may_do() -> None:
    raised = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "TransportError"
    ]
    assert not raised, "one of the subclasses of TransportError fits: " + ", ".join(raised)
