"""docs/security.md has every call with the role that it needs, and names options that there are."""

from __future__ import annotations

import re

from pages import ROOT

from rta.auth import AuthSettings
from rta.rest.access import ACCESS, METRICS

PAGE = (ROOT / "docs" / "security.md").read_text()


def test_the_table_of_routes_and_roles_is_the_one_that_the_service_goes_by() -> None:
    section = PAGE.partition("\n## Routes and roles\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| `(\S+)` \| (.+) \|$", section, re.MULTILINE)
    needed = [(a.method, a.path, "everybody" if a.role is None else a.role.name.lower()) for a in ACCESS]
    assert [(method, path, role.partition(",")[0]) for method, path, role in rows] == needed
    assert [path for _, path, role in rows if "auth.metrics" in role] == [METRICS]


def test_every_option_of_sign_in_that_a_page_names_exists() -> None:
    known = set(AuthSettings.__annotations__)
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")]:
        assert set(re.findall(r"`auth\.([a-z_]+)`", page.read_text())) <= known, page.name
