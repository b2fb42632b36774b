"""What may import what: the page on the architecture says it, and this holds the code to it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
TRANSPORTS = ROOT / "transports" / "rta_transports"
PLAIN = ("wire", "archive", "rsmp", "session", "stream", "sampling", "node", "alarm")
"""No I/O, no clock, no `await`."""


def floors() -> list[list[str]]:
    """The parts of `rta` on each floor, from the bottom, as the page has them."""
    table = PAGE.read_text(encoding="utf-8").partition("## Floors")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if re.match(r"\| \d+ \|", line)]
    return [[name.rstrip("/") for name in re.findall(r"`([\w/]+)`", row)] for row in rows]


def part(module: str) -> str:
    """`rta.wire.burst` is of the part `wire`."""
    return module.split(".")[1] if "." in module else module


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
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


def test_every_part_stands_on_one_floor():
    placed = [name for floor in floors() for name in floor]
    assert sorted(placed) == sorted(parts())


def test_imports_go_down_and_never_up_or_sideways():
    floor_of = {name: number for number, floor in enumerate(floors(), 1) for name in floor}
    wrong = [
        f"{name} (floor {floor_of[name]}) imports {used} (floor {floor_of[used]})"
        for name, all_used in parts().items()
        for used in sorted(all_used)
        if floor_of[used] >= floor_of[name]
    ]
    assert wrong == []


def test_the_client_stands_on_the_wire_alone():
    assert parts()["client"] <= {"backoff", "errors", "formatting", "loopback", "network_errors", "wakeup", "wire"}


def test_nothing_in_rta_names_a_transport():
    users = [p for p in (ROOT / "rta").rglob("*.py") if any(m.split(".")[0] == "rta_transports" for m in imports(p))]
    assert users == []


def test_transports_import_the_ports_the_wire_the_chunks_and_the_side_of_consumers_only():
    used = {
        (path.relative_to(ROOT).as_posix(), part(m))
        for path in TRANSPORTS.rglob("*.py")
        for m in imports(path)
        if m.startswith("rta.")
    }
    allowed = (
        "archive",
        "ports",
        "wire",
        "rsmp",
        "consumer",
        "errors",
        "backoff",
        "background",
        "clock_bounds",
        "formatting",
        "large_json",
        "network_errors",
        "session_catalogue",
        "session_query",
        "state_file",
        "store",
        "wakeup",
    )
    assert {(path, m) for path, m in used if m not in allowed} == set()


@pytest.mark.parametrize("name", PLAIN)
def test_the_plain_parts_await_nothing_and_read_no_clock(name):
    for path in (ROOT / "rta" / name).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {m.split(".")[0] for m in imports(path)}
        assert not used & {"trio", "time", "socket", "random"}, path
        assert not any(isinstance(n, ast.Await) for n in ast.walk(tree)), path


def test_every_folder_has_its_line_in_the_tree():
    tree = PAGE.read_text(encoding="utf-8").partition("## The tree")[2].partition("\n## ")[0]
    folders = {p.parent for p in [*(ROOT / "rta").rglob("*.py"), *TRANSPORTS.rglob("*.py")]}
    names = {p.relative_to(ROOT).as_posix() for p in folders} - {"rta/wire/_pb"}
    lines = re.findall(r"^\| `((?:rta|transports)/[\w/]*)` \|", tree, re.MULTILINE)
    assert sorted(line.rstrip("/") for line in lines) == sorted(names)
