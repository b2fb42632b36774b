"""What may import what: the page on the architecture says it, and this holds the code to it."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = ("wire", "session", "stream", "node", "alarm", "rsmp", "sampling")
"""No I/O, no clock, no `await`."""


def part(module: str) -> str:
    """`rta.wire.burst` is of the part `wire`."""
    return module.split(".")[1] if "." in module else module


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def parts() -> dict[str, set[str]]:
    """Each part of `rta`, and those it imports."""
    graph: dict[str, set[str]] = {}
    for path in sorted((ROOT / "rta").rglob("*.py")):
        own = path.relative_to(ROOT / "rta").parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        used = {part(m) for m in imports(path) if m.startswith("rta.")}
        graph.setdefault(own, set()).update(used - {own})
    return graph


def test_imports_point_one_way():
    try:
        list(TopologicalSorter(parts()).static_order())
    except CycleError as e:
        pytest.fail(" imports ".join(reversed(e.args[1])))


def test_nothing_in_rta_names_a_transport():
    users = [p for p in (ROOT / "rta").rglob("*.py") if any(m.split(".")[0] == "rta_transports" for m in imports(p))]
    assert users == []


def test_transports_import_the_ports_the_wire_and_the_side_of_consumers_only():
    used = {
        (path.relative_to(ROOT).as_posix(), part(m))
        for path in (ROOT / "transports" / "rta_transports").rglob("*.py")
        for m in imports(path)
        if m.startswith("rta.")
    }
    allowed = ("ports", "wire", "errors", "backoff", "consumer", "rsmp", "formatting", "wakeup")
    assert {(path, m) for path, m in used if m not in allowed} == set()


@pytest.mark.parametrize("name", PLAIN)
def test_the_plain_parts_await_nothing_and_read_no_clock(name):
    for path in (ROOT / "rta" / name).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {m.split(".")[0] for m in imports(path)}
        assert not used & {"trio", "time", "socket", "random"}, path
        assert not any(isinstance(n, ast.Await) for n in ast.walk(tree)), path
