"""The documentation keeps up with the code."""

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from pages import PAGES, ROOT

from rta.cli import cli
from rta.config.environment import override
from rta.ports import CloseCode
from rta.stream.definition import Aggregate


def test_the_configuration_page_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(cli, ["config", "docs"]).output
    assert (ROOT / "docs" / "configuration.md").read_text() == printed, "run: rta config docs > docs/configuration.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", _outside_blocks(page))
    assert [x for x in links if "://" not in x and not (page.parent / x).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*\.md)?#([^)]*)\)", _outside_blocks(page))
    assert [f"{to}#{at}" for to, at in links if at not in _headings(page.parent / to if to else page)] == []


def test_every_page_is_in_the_order_of_reading() -> None:
    start = (ROOT / "README.md").read_text().partition("Read on in this order")[2].partition("\n\n")[0]
    assert {page.name for page in PAGES if page.parent == ROOT / "docs"} - set(
        re.findall(r"docs/([\w-]+\.md)", start)
    ) == set()


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.toml")), ids=lambda p: p.name)
def test_every_variable_that_an_example_names_is_understood(file: Path) -> None:
    named = set(re.findall(r"RTA_\w+__\w+", file.read_text()))
    overrides = override(tomllib.loads(file.read_text()), dict.fromkeys(named, "1"))
    assert (set(overrides.variables.values()), overrides.warnings) == (named, [])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_path_of_ours_that_is_named_exists(page: Path) -> None:
    named = set(
        re.findall(
            r"`(?!rta/v2)((?:rta|transports|tests|scripts|config|deploy|docs|proto)/[\w./*-]+)`", page.read_text()
        )
    )
    assert [path for path in sorted(named) if not any(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_option_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"`((?:site|edge|buffer|fanout|pruner|logging)\.[a-z_]+)`", page.read_text()))
    known = _options()
    named -= {"site.toml", "site.py"}
    assert named <= known, f"not options: {sorted(named - known)}"


def test_every_close_code_is_in_the_table() -> None:
    table = (ROOT / "docs" / "protocol.md").read_text().partition("## Close codes")[2].partition("\n## ")[0]
    codes = {value for name, value in vars(CloseCode).items() if name.isupper()}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


def test_every_aggregate_has_its_name_in_values() -> None:
    named = re.findall(r"`(?:speed)?\.(\w+)`", (ROOT / "docs" / "rsmp.md").read_text())
    assert set(named) == {aggregate.value for aggregate in Aggregate}


def _headings(page: Path) -> set[str]:
    """As links name them."""
    headings = re.findall(r"^#+ (.*)$", _outside_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def _outside_blocks(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def _options() -> set[str]:
    out, table = set(), ""
    for line in (ROOT / "docs" / "configuration.md").read_text().splitlines():
        if heading := re.match(r"#+ `\[+(\w+)\]+`", line):
            table = heading[1]
        elif option := re.match(r"- `(\w+)` \(", line):
            out.add(f"{table}.{option[1]}")
    return out
