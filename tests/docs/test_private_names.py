"""Private names of other packages: each that is used stands in the table, and its package is held below a version."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FILES = [p for folder in ("rta", "transports") for p in sorted((ROOT / folder).rglob("*.py")) if "_pb" not in p.parts]
DOCUMENTED = {"_replace", "_asdict", "_fields", "_make", "_exit", "_base_executable"}
"""Names with an underscore that are public all the same: of named tuples, of `os`, of `sys`."""


class Private(NamedTuple):
    """Something of a package that may change without notice."""

    package: str
    name: str
    """The module, and behind the colon what it has."""
    where: str
    why: str
    parameters: tuple[str, ...]
    """Those we rely on, if it is called."""


TABLE = [
    Private(
        "attrs",
        "attr._make:_AndValidator._validators",
        "rta/config/reference.py",
        "attrs checks values against a validator, but does not say what it demands, which the documentation shows",
        (),
    ),
    Private(
        "redis",
        "redis.connection:Connection._get_socket",
        "transports/rta_transports/redis/connection.py",
        "the package has no public way from a connection to its socket",
        ("self",),
    ),
    Private(
        "redis",
        "redis.connection:_RESP2Parser",
        "transports/rta_transports/redis/server.py",
        "without it the package takes hiredis, which makes room for as many items as a server announces",
        (),
    ),
]


def private_names(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of what belongs to somebody else: nothing in the file defines it."""
    tree = ast.parse(source)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    own |= {n.target.id for n in ast.walk(tree) if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    own |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and _is_own(n.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not _is_own(node.value):
            names = [node.attr]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("attr"):
            names = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(("rta", "__future__")):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [name for alias in node.names for name in alias.name.split(".")]
        else:
            continue
        for name in names:
            if name.startswith("_") and not name.endswith("__") and name not in own | DOCUMENTED:
                yield node.lineno, name


def _is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def test_no_other_private_name_is_used() -> None:
    known = {(entry.where, entry.name.rpartition(".")[2].rpartition(":")[2]) for entry in TABLE}
    found = {
        (path.relative_to(ROOT).as_posix(), line, name)
        for path in FILES
        for line, name in private_names(path.read_text(encoding="utf-8"))
    }
    new = [f"{path}:{line}: {name}" for path, line, name in sorted(found) if (path, name) not in known]
    assert not new, "use a public way, or enter it in the table with a reason: " + ", ".join(new)


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_the_table_names_what_is_used(entry: Private) -> None:
    assert entry.name.rpartition(".")[2].rpartition(":")[2] in (ROOT / entry.where).read_text(), "take it out"
    assert entry.why


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.name)
def test_what_is_used_is_still_there(entry: Private) -> None:
    gone = f"{entry.package} {version(entry.package)} no longer has {entry.name}: {entry.where} has to be adapted"
    module, _, names = entry.name.partition(":")
    try:
        thing = import_module(module)
        for name in names.split("."):
            thing = getattr(thing, name)
    except (ImportError, AttributeError):
        pytest.fail(gone)
    if not entry.parameters:
        return
    given = inspect.signature(thing.__init__ if inspect.isclass(thing) else thing).parameters
    assert tuple(given)[: len(entry.parameters)] == entry.parameters, f"{gone} with {entry.parameters}"


@pytest.mark.parametrize("package", sorted({entry.package for entry in TABLE}))
def test_its_package_has_an_upper_bound(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [requirement] = [r for r in map(Requirement, project["dependencies"]) if r.name == package]
    assert {"<", "<=", "~="} & {s.operator for s in requirement.specifier}, f"{package} may become any version"
    assert requirement.specifier.contains(version(package)), f"{requirement} does not allow {version(package)}"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from redis.client import _thing", ["_thing"]),
        ("import numpy._core", ["_core"]),
        ("def f(x): return x._sock", ["_sock"]),
        ("def f(x): x._sock = 1", ["_sock"]),
        ("def f(x): return getattr(x, '_sock')", ["_sock"]),
        ("class A:\n def __init__(self, o: A): self._a = o._a", []),
        ("import os\nos._exit(1)", []),
        ("def f(x): return x.__class__", []),
    ],
)
def test_each_private_name_is_found(source: str, names: list[str]) -> None:
    assert [name for _, name in private_names(source)] == names
