"""What the JavaScript client and the issuer for tests import is pinned with hashes, and from nowhere in particular."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pages import ROOT

FOLDER = ROOT / "tests" / "docs" / "javascript"
ISSUER = ROOT / "tests" / "issuer"


@pytest.mark.parametrize("folder", [FOLDER, ISSUER], ids=lambda folder: folder.name)
def test_every_package_has_a_version_and_a_hash_and_no_address(folder: Path) -> None:
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    asked = json.loads((folder / "package.json").read_text())["dependencies"]
    assert packages.pop("")["dependencies"] == asked
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
