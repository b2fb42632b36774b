"""The documentation keeps up with the code."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from rta.cli import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_configuration_page_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(cli, ["config", "docs"]).output
    assert (ROOT / "docs" / "configuration.md").read_text() == printed, "run: rta config docs > docs/configuration.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [x for x in links if "://" not in x and not (page.parent / x).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_option_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"`((?:site|edge|buffer|fanout|pruner|logging)\.[a-z_]+)`", page.read_text()))
    known = _options()
    named -= {"site.toml"}
    assert named <= known, f"not options: {sorted(named - known)}"


def _options() -> set[str]:
    out, table = set(), ""
    for line in (ROOT / "docs" / "configuration.md").read_text().splitlines():
        if heading := re.match(r"#+ `\[+(\w+)\]+`", line):
            table = heading[1]
        elif option := re.match(r"\| `(\w+)` \|", line):
            out.add(f"{table}.{option[1]}")
    return out
