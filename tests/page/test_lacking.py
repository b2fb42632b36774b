"""What the service does not have is said on the page: a session, its recording, or its beginning."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from browser.watch import Watch
from playwright.sync_api import Page, expect
from program import Program, Start

from page.looking import line_is_drawn, samples_of, view_of

pytestmark = pytest.mark.processes

_SITE = """\
[edge]
port = 0

[buffer]
transport = "memory"
max_bytes = "64KiB"

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
identity = "lap-1"
identifier = "Lap"
speed = 1e6
"""
_NOTE = "What the service still has of it begins at"


def drive(start: Start, folder: Path, speeds: Iterable[int]) -> Program:
    """A lap that is over, with a sample each second, which a small buffer alone has."""
    folder.mkdir()
    (folder / "lap.csv").write_text(
        "Time (s),Speed\n" + "".join(f"{nth},{speed}\n" for nth, speed in enumerate(speeds))
    )
    (folder / "site.toml").write_text(_SITE)
    program = start("run", "--config", folder / "site.toml")
    program.logged("session closed", identity="lap-1")
    return program


def test_a_session_that_nothing_records_is_shown_as_far_as_it_is_held(start: Start, page: Page, tmp_path: Path) -> None:
    few = [nth * 7 % 100 for nth in range(150)]
    page.goto(drive(start, tmp_path / "few", few).url + view_of("lap-1", "Speed:csv"))
    line_is_drawn(page, "Speed")
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_role("contentinfo", name="Status")).to_contain_text("Closed session")
    assert [sample.value for sample in samples_of(page, "Speed")] == few
    expect(page.get_by_text(_NOTE)).to_have_count(0)
    many = (nth * 7919 % 10007 for nth in range(60_000))
    page.goto(drive(start, tmp_path / "many", many).url + view_of("lap-1", "Speed:csv"))
    expect(page.get_by_text(_NOTE)).to_be_visible()
    page.get_by_role("button", name="All", exact=True).click()
    drawn = line_is_drawn(page, "Speed")
    assert drawn["columns"][0]["x"] > 0.2 * drawn["width"]


def test_a_session_that_there_is_not_is_not_a_lost_connection(
    start: Start, page: Page, tmp_path: Path, watch: Watch
) -> None:
    watch.expect("404")
    page.goto(drive(start, tmp_path / "site", range(20)).url + view_of("lap-2", "Speed:csv"))
    expect(page.get_by_text("There is no session lap-2.")).to_be_visible()
    status = page.get_by_role("contentinfo", name="Status")
    expect(status).to_contain_text("No such session")
    expect(status).not_to_contain_text("lost")
    page.get_by_role("button", name="Choose another session").click()
    page.get_by_role("link", name="Lap").click()
    line_is_drawn(page, "Speed")
    expect(status).to_contain_text("Closed session")
    expect(page.get_by_text("There is no session")).to_have_count(0)
