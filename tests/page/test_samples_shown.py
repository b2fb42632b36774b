"""What the page shows and exports is what was sent: every sample, at its nanosecond."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from browser.pages import OpenPage
from exported_files import samples_of as samples_in
from playwright.sync_api import Page, expect
from program import Program, Start

from page.looking import Sample, line_is_drawn, samples_of, view_of

pytestmark = pytest.mark.processes

BEGAN = 1_777_888_255_123_456_789
SPIKE = 1234
LAP = """\
[edge]
port = 0

[archive]
transport = "sqlite"

[[source]]
name = "lap"
transport = "csv"
path = "lap.csv"
identity = "lap-1"
identifier = "Lap"
time_unit = "ns"
origin = "file"
speed = 1e6
"""


def lap_of(count: int) -> list[Sample]:
    """About a sample a millisecond, at times that are exact in no coarser unit."""
    chance = random.Random(16)
    time, found = BEGAN, []
    for nth in range(count):
        found.append(Sample(time, 5000.0 if nth == SPIKE else round(chance.uniform(-1, 1), 6)))
        time += 1_000_000 + chance.randrange(-999, 999)
    return found


def played(start: Start, folder: Path, samples: list[Sample]) -> Program:
    rows = "".join(f"{time},{value}\n" for time, value in samples)
    (folder / "lap.csv").write_text(f"Time (ns),Speed (km/h)\n{rows}")
    (folder / "site.toml").write_text(LAP)
    program = start("run", "--config", folder / "site.toml")
    program.logged("session closed", identity="lap-1")
    return program


def test_every_sample_of_a_file_is_there_and_a_spike_is_drawn(page: Page, start: Start, tmp_path: Path) -> None:
    samples = lap_of(2000)
    program = played(start, tmp_path, samples)
    page.goto(program.url + view_of("lap-1", "Speed:csv"))
    page.get_by_role("button", name="All", exact=True).click()
    drawn = line_is_drawn(page, "Speed")
    assert samples_of(page, "Speed") == samples
    # Of two thousand samples in about as many columns one is a thousand times as high as all others.
    high = [column["x"] for column in drawn["columns"] if column["top"] < drawn["height"] / 4]
    assert high
    assert max(high) - min(high) <= 3


def test_a_file_of_each_format_has_every_sample(open_page: OpenPage, start: Start, tmp_path: Path) -> None:
    samples = lap_of(2000)
    program = played(start, tmp_path, samples)
    page = open_page(accept_downloads=True)
    page.add_init_script("delete window.showSaveFilePicker")  # it asks in a window that is not the page's
    page.goto(program.url + view_of("lap-1", "Speed:csv"))
    line_is_drawn(page, "Speed")
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_label("The whole session").check()
    for form, label in (("csv", "CSV"), ("parquet", "Parquet"), ("arrow", "Arrow"), ("mcap", "MCAP")):
        dialog.get_by_label(label).check()
        with page.expect_download() as kept:
            dialog.get_by_role("button", name="Export", exact=True).click()
        assert kept.value.suggested_filename == f"Lap.{form}"
        kept.value.save_as(tmp_path / f"kept.{form}")
        assert samples_in(form, (tmp_path / f"kept.{form}").read_bytes()) == {"Speed": samples}
    expect(dialog.get_by_role("status")).to_contain_text("Done")
