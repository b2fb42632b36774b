"""Every JavaScript package that is used here is pinned with its hash, and comes from nowhere in particular."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pages import ROOT

FOLDER = ROOT / "tests" / "docs" / "javascript"
ISSUER = ROOT / "tests" / "issuer"
PAGE = ROOT / "web"


@pytest.mark.parametrize("folder", [FOLDER, ISSUER, PAGE], ids=lambda folder: folder.name)
def test_every_package_has_a_version_and_a_hash_and_no_address(folder: Path) -> None:
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    package = json.loads((folder / "package.json").read_text())
    own = packages.pop("")
    kinds = [kind for kind in ("dependencies", "devDependencies") if kind in package]
    assert {kind: own[kind] for kind in kinds} == {kind: package[kind] for kind in kinds}
    asked = {name: version for kind in kinds for name, version in package[kind].items()}
    assert {f"node_modules/{name}": version for name, version in asked.items()}.items() <= {
        name: package["version"] for name, package in packages.items()
    }.items()
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []


def test_the_page_installs_what_is_locked() -> None:
    page = (ROOT / "docs" / "client.md").read_text()
    [named] = re.findall(r"^\$ npm install (.+)$", page, re.MULTILINE)
    imported = re.findall(r'^import \w+ from "(.+)";$', page, re.MULTILINE)
    asked = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert sorted(named.split()) == sorted(imported) == sorted(asked)
