"""What the JavaScript client imports is pinned with hashes, and from nowhere in particular."""

from __future__ import annotations

import json
import re

from pages import ROOT

FOLDER = ROOT / "tests" / "docs" / "javascript"


def test_every_package_has_a_version_and_a_hash_and_no_address() -> None:
    text = (FOLDER / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    asked = json.loads((FOLDER / "package.json").read_text())["dependencies"]
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
