"""The real drive: 18 033 rows of 15 channels, 22.5 minutes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from csv_replay import NOW, play_file

from rta.ports import SessionBurst

FOLDER = Path(__file__).parents[3] / "config" / "data"


@pytest.fixture(scope="module")
def table():
    with (FOLDER / "wrx-drive.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


@pytest.fixture(scope="module")
def played():
    return play_file(FOLDER, path="wrx-drive.csv", speed=1000)


def test_every_row_is_a_sample_of_every_channel(table, played):
    _, rows = table
    samples = played.samples()
    assert (played.error, played.malformed) == (None, [])
    assert {number: len(s) for number, s in samples.items()} == dict.fromkeys(range(1, 16), 18_033)
    for number, found in samples.items():
        assert [value for _, _, value in found] == [float(row[number]) for row in rows]


@pytest.mark.parametrize("kind", ["periodic", "row"])
def test_every_row_is_a_sample_in_the_other_kinds_too(table, kind):
    _, rows = table
    played = play_file(FOLDER, path="wrx-drive.csv", kind=kind, interval=0.076, speed=1000, columns=["RPM"])
    assert (played.error, played.malformed) == (None, [])
    assert played.values() == [float(row[10]) for row in rows]


def test_it_is_described_by_its_header(played):
    parameters = played.configuration.applications["csv"].parameters
    assert [(p.id, p.unit) for p in parameters][6:10] == [
        ("Gear_Position:csv", "Gear"),
        ("Intake_Temp:csv", "C"),
        ("Man_Abs_Press:csv", "kPa"),
        ("RPM:csv", "RPM"),
    ]


def test_played_a_thousand_times_as_fast_it_does_not_drift(played):
    moments = [m for m, u in zip(played.moments, played.updates, strict=True) if isinstance(u, SessionBurst)]
    assert sorted({round(m, 6) for m in moments}) == pytest.approx([k / 10 for k in range(15)])
    for moment, timestamp, _ in played.samples()[10]:
        due = (timestamp - NOW) / 1e9 / 1000
        assert due - 1e-9 <= moment <= due + 0.1 + 1e-9
    assert played.timestamps(10)[-1] - NOW == 1_352_760_000_000
