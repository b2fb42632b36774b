"""A file or an option that is not fit is said so, by the check and by the run."""

from __future__ import annotations

import os

import attrs
import pytest
from csv_replay import context_in, play, play_file, problems
from rta_transports.csv import CsvOptions, CsvSource, check_source, open_source
from rta_transports.csv.table import CsvFile

from rta.errors import RtaError, UnreadableError
from rta.ports import HELP, OpenSession, load_transport
from rta.wire import SampleType

GOOD = "t,a\n0,1\n"


def test_a_good_file_has_no_problem():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "drive.csv: cannot be read: No such file or directory"),
        ("", "drive.csv: is empty; a header line and rows would be right"),
        ("\n \n", "drive.csv: has nothing but blank lines; a header line and rows would be right"),
        ("t,a\n \n", "drive.csv: has a header but no rows"),
        ("t\n0\n", "drive.csv: no column is left besides the times, 't'"),
        (
            b"PK\3\4" + b"x" * 80,
            "drive.csv: is a ZIP archive or an Excel workbook (.xlsx); save the sheet as CSV, or unpack the archive",
        ),
        (b"abc" + bytes(200), "drive.csv: has NUL bytes all over, so it is no text; a text file would be right"),
        (
            "day,a\n01/02/2026,1\n03/04/2026,2\n",
            "drive.csv: the dates of column 'day' may be day first or month first (01/02/2026): say time_format = "
            '"%d/%m/%Y" or "%m/%d/%Y"',
        ),
        ("name,a\nx,1\ny,2\n", "drive.csv: no column is a time: say time_column; there are: 'name', 'a'"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(text, problem):
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"time_column": "Time"}, "time_column: there is no column 'Time'; there are: 't', 'a'"),
        ({"columns": ["b"]}, "columns: there is no column 'b'; there are: 't', 'a'"),
        ({"types": {"b": SampleType.U8}}, "types: there is no column 'b'; there are: 't', 'a'"),
        ({"kind": "periodic"}, 'kind = "periodic" needs an interval, the time between two rows'),
        (
            {"timezone": "Mars"},
            "timezone: there is no zone 'Mars'; a name like Europe/London would be right",
        ),
        (
            {"identity": "x", "loop": True},
            "identity: cannot be set with loop, as every round is a session of its own",
        ),
        ({"path": "."}, "is not a file"),
    ],
)
def test_what_is_wrong_with_an_option_is_one_line(options, problem):
    (line,) = problems(GOOD, **options)
    assert line.endswith(": " + problem)


def test_what_cannot_be_a_path_is_one_line():
    (line,) = problems(GOOD, path="a\0b")
    assert ": is not a path: " in line
    assert "embedded null" in line  # the end is Python's own, and differs between its versions


def test_all_problems_are_said_at_once():
    assert len(problems(GOOD, kind="periodic", timezone="Mars", time_column="x", columns=["y"])) == 4


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert check_source(CsvOptions("pipe"), context_in(tmp_path)) == [f"{tmp_path}/pipe: is not a file"]


def test_a_path_is_relative_to_the_folder_unless_it_is_absolute(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(GOOD)
    assert check_source(CsvOptions("data/a.csv"), context_in(tmp_path)) == []
    assert check_source(CsvOptions(str(tmp_path / "data" / "a.csv")), context_in("/nowhere")) == []


def test_the_run_says_the_same_as_the_check(tmp_path):
    options = {"path": "none.csv", "kind": "periodic"}
    played = play_file(tmp_path, **options)
    assert played.updates == []
    assert type(played.error) is RtaError
    assert str(played.error).splitlines() == check_source(CsvOptions(**options), context_in(tmp_path))


def test_a_file_that_was_there_is_waited_for(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text(GOOD)
    close = CsvFile.close

    def close_and_remove(table):
        close(table)
        (tmp_path / "a.csv").unlink()

    monkeypatch.setattr(CsvFile, "close", close_and_remove)
    played = play_file(tmp_path, path="a.csv", loop=True)
    assert isinstance(played.error, UnreadableError)
    assert str(played.error) == f"{tmp_path}/a.csv: cannot be read: No such file or directory"
    assert len(played.closed) == 1


def test_a_file_that_cannot_be_read_any_more_is_an_outage(monkeypatch):
    read = CsvFile.read
    rows = []

    def fail_later(table):
        if rows:
            raise OSError(5, "Input/output error")
        batch = read(table)
        rows.extend(batch.rows)
        table.ended = False
        return batch

    monkeypatch.setattr(CsvFile, "read", fail_later)
    played = play(GOOD)
    assert isinstance(played.error, UnreadableError)
    assert str(played.error).endswith("drive.csv: cannot be read: Input/output error")
    assert len(played.of(OpenSession)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 0}, "'speed' must be > 0: 0"),
        ({"speed": float("nan")}, "'speed' must be > 0: nan"),
        ({"speed": float("inf")}, "speed is inf"),
        ({"burst_interval": -1}, "'burst_interval' must be > 0: -1"),
        ({"interval": 0}, "'interval' must be > 0: 0"),
        ({"delimiter": ""}, "delimiter is ''; it must be one character"),
        ({"delimiter": '"'}, "delimiter is"),
        ({"app": ""}, "app is empty"),
    ],
)
def test_an_option_that_can_never_be_right_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CsvOptions("drive.csv", **options)


def test_every_option_has_a_help_text_and_only_the_path_is_required():
    fields = attrs.fields(CsvOptions)
    assert all(f.metadata[HELP] for f in fields)
    assert [f.name for f in fields if f.default is attrs.NOTHING] == ["path"]


async def test_the_transport_is_found_and_opens_a_source(tmp_path):
    offer = load_transport("csv").source
    assert (offer.options, offer.open, offer.check) == (CsvOptions, open_source, check_source)
    async with offer.open(CsvOptions("a.csv"), context_in(tmp_path)) as source:
        assert isinstance(source, CsvSource)


def test_sessions_get_identities_of_their_own(tmp_path):
    assert (
        CsvSource(CsvOptions("a"), context_in(tmp_path))._new_identity()
        != CsvSource(CsvOptions("a"), context_in(tmp_path))._new_identity()
    )
