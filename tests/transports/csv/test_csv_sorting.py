"""Files whose rows stand otherwise than in the order of time: found out, said, and played in that order."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_replay import SECOND, context_in, play, play_file
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from rta_transports.csv import CsvOptions, inspect_source
from rta_transports.csv.file_lines import LINE_LIMIT
from rta_transports.csv.opening import open_file

from rta.ports import Publish, find_zone
from rta.wire import read_configuration

BEGIN = datetime(2025, 9, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def moments(count, begin=BEGIN, step=QUARTER):
    return [begin + i * step for i in range(count)]


def ns(times):
    return [(time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000 for time in times]


def table(times, write=lambda time: time.strftime("%Y-%m-%d %H:%M:%S")):
    """A value counts the times in their order."""
    numbers = {time: i for i, time in enumerate(sorted(times))}
    return "time,v\n" + "".join(f"{write(time)},{numbers[time]}\n" for time in times)


def table_of(times):
    return "time,v\n" + "".join(f"{time:%Y-%m-%d %H:%M:%S},1\n" for time in times)


def played(text, **options):
    return play(text, origin="file", speed=1e9, **options)


def channels(result):
    """Name of each parameter to its timestamps and values."""
    names = {}
    for document in result.of(Publish):
        for _, parameter in read_configuration(document.text).parameters():
            names[parameter.name] = parameter.channels[0]
    return {name: (result.timestamps(channel), result.values(channel)) for name, channel in names.items()}


def order_of(text, **options):
    """Whether it is sorted, as `rta inspect` has it."""
    return inspected(text, **options).settings.get("sort", False)


def inspected(text, most=None, **options):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return inspect_source(CsvOptions(path="a.csv", **options), context_in(folder), most, lambda share: None)


class TestNewestFirst:
    @pytest.mark.parametrize("rows", [3, 50, 3000])
    def test_it_is_played_from_its_end(self, rows):
        times = moments(rows)
        result = played(table(times[::-1]))
        assert (result.timestamps(), result.values()) == (ns(times), list(range(rows)))
        assert (result.malformed, result.notices) == ([], [])

    def test_numbers_are(self):
        assert played("Time (s),v\n2.5,2\n1.5,1\n0.5,0\n").values() == [0, 1, 2]

    def test_rows_that_are_due_are_sent_then(self):
        result = play(table(moments(5, step=timedelta(seconds=1))[::-1]))
        assert result.deliveries() == [0, 1, 2, 3, 4]

    def test_rows_of_one_moment_are_turned_round_as_well(self):
        assert played("time,v\n2025-09-01,3\n2025-09-01,2\n2025-08-31,1\n2025-08-30,0\n").values() == [0, 1, 2, 3]

    def test_a_clock_carries_on_over_midnight(self):
        times = moments(40, step=timedelta(minutes=30), begin=BEGIN + timedelta(hours=20))
        result = played(table(times[::-1], lambda time: time.strftime("%H:%M:%S")))
        assert result.timestamps() == [(20 * 3600 + i * 1800) * SECOND for i in range(40)]
        assert [kind for kind, _ in result.notices] == ["midnight"]

    def test_clocks_of_several_things_do(self):
        times = moments(120, step=timedelta(minutes=1), begin=BEGIN + timedelta(hours=23))
        text = "time,station,v\n" + "".join(f"{t:%H:%M:%S},{name},1\n" for t in times[::-1] for name in "abc")
        wanted = [(23 * 3600 + i * 60) * SECOND for i in range(120)]
        assert [found for found, _ in channels(played(text)).values()] == [wanted] * 3

    def test_a_counter_carries_on_over_its_roll_over(self):
        true = range(2**32 - 1000, 2**32 + 1000, 100)
        result = played("Time (ms),v\n" + "".join(f"{time % 2**32},1\n" for time in reversed(true)))
        assert result.timestamps() == [time * 10**6 for time in true]

    @pytest.mark.parametrize("step", [1, 15, 30, 60])
    @pytest.mark.parametrize(
        ("zone", "night"),
        [
            ("Europe/Copenhagen", datetime(2024, 10, 26, 20, tzinfo=UTC)),
            ("America/Chicago", datetime(2024, 11, 3, 2, tzinfo=UTC)),
            ("Australia/Lord_Howe", datetime(2024, 4, 6, 12, tzinfo=UTC)),
        ],
    )
    def test_an_autumn_night_is_told_from_its_end(self, zone, night, step):
        times = moments(720 // step, night, timedelta(minutes=step))
        text = table(times[::-1], lambda time: time.astimezone(find_zone(zone)).strftime("%Y-%m-%d %H:%M"))
        result = played(text, timezone=zone)
        assert (result.timestamps(), result.notices) == (ns(times), [])


class TestBlocks:
    def test_things_that_follow_each_other_are_played_side_by_side(self):
        times = moments(8)
        text = "id;fecha;intensidad\n" + "".join(f"{d};{t:%Y-%m-%d %H:%M:%S};{d}\n" for d in (7, 8, 9) for t in times)
        result = played(text)
        assert channels(result) == {f"intensidad {d}": (ns(times), [d] * 8) for d in (7, 8, 9)}
        assert (len(result.closed), result.notices) == (1, [])

    def test_a_block_may_be_longer_than_all_that_is_read_at_first(self):
        times = moments(2880)
        text = "id;fecha;tipo;intensidad\n" + "".join(
            f'{detector};"{time:%Y-%m-%d %H:%M:%S}";"M30";{i}\n'
            for detector in range(9)
            for i, time in enumerate(times)
        )
        found = channels(played(text))
        wanted = (ns(times), list(range(2880)))
        assert {name: pair for name, pair in found.items() if name[0] == "i"} == {
            f"intensidad {detector}": wanted for detector in range(9)
        }

    def test_each_may_have_its_newest_row_first(self):
        times = moments(6)
        text = "entity_id,state,last_changed\n" + "".join(
            f"sensor.{name},{time.hour},{time:%Y-%m-%dT%H:%M:%S}.125Z\n"
            for name in ("indoor", "outdoor")
            for time in times[::-1]
        )
        shifted = [time + 125_000_000 for time in ns(times)]
        assert {name: found for name, (found, _) in channels(played(text)).items()} == {
            "sensor.indoor": shifted,
            "sensor.outdoor": shifted,
        }

    def test_two_columns_may_name_the_thing(self):
        times = moments(8)
        text = "_time,_value,_field,_measurement\n" + "".join(
            f"{time:%Y-%m-%dT%H:%M:%S}Z,{i},{field},{measurement}\n"
            for measurement in ("cpu", "disk")
            for field in ("used", "free")
            for i, time in enumerate(times)
        )
        found = channels(played(text))
        assert len(found) == 4
        assert all(pair == (ns(times), list(range(8))) for pair in found.values())

    @pytest.mark.parametrize("title", ["sensor", "Kreuzung"])
    def test_what_names_the_thing_may_be_called_anything_where_times_are_dates(self, title):
        times = moments(9)
        text = f"time,{title},v,w\n" + "".join(f"{t:%Y-%m-%d %H:%M:%S},{n},1,2\n" for n in ("A", "B") for t in times)
        assert {name: found for name, (found, _) in channels(played(text)).items()} == dict.fromkeys(
            ("v A", "w A", "v B", "w B"), ns(times)
        )
        runs = f"time,{title},v,w\n" + "".join(f"{t + k / 2},{n},1,2\n" for k, n in enumerate("AB") for t in range(9))
        assert len(played(runs).closed) == (1 if title == "sensor" else 2)

    def test_each_thing_has_its_own_autumn_night(self):
        times = moments(12, datetime(2024, 10, 26, 20, tzinfo=UTC), timedelta(hours=1))
        zone = find_zone("Europe/Berlin")
        rows = [(name, time) for name in "ab" for time in times]
        for shown in (rows, sorted(rows, key=lambda row: row[1])):
            text = "sensor,time,v\n" + "".join(f"{n},{t.astimezone(zone):%Y-%m-%d %H:%M},1\n" for n, t in shown)
            result = played(text, timezone="Europe/Berlin")
            assert [found for found, _ in channels(result).values()] == [ns(times)] * 2
            assert result.notices == []

    def test_times_that_may_begin_again_are_not_sorted_without_being_told_so(self):
        run = [(name, t) for name in "abcd" for t in range(50)]
        text = "sensor,time,v\n" + "".join(f"{name},{t},1\n" for name, t in run)
        assert [found for found, _ in channels(played(text)).values()] == [[t * SECOND for t in range(50)]] * 4
        more = text + "a,2,1\n"
        assert "line 202: the time of 'a' goes back" in str(played(more).error)
        assert len(played(more, sort=True).timestamps(1)) == 51
        assert len(played(more, sort=False).closed) > 1


class TestNoOrder:
    def test_days_may_stand_in_any_order(self):
        days = [moments(24, BEGIN + timedelta(days=i), timedelta(hours=1)) for i in (3, 2, 1, 0, 5, 4)]
        text = table([time for day in days for time in day])
        assert played(text).timestamps() == ns(moments(144, step=timedelta(hours=1)))

    def test_rows_may_be_sorted_by_something_else(self):
        times = moments(300, step=timedelta(seconds=1))
        by = sorted(times, key=lambda time: (time.minute * 60 + time.second) * 7919 % 1000)
        assert played(table(by)).timestamps() == ns(times)

    @pytest.mark.parametrize(
        "offsets", [range(300), [*range(200), *range(182, 282)], [*range(20)] * 9, [*range(200), *range(-900, -700)]]
    )
    def test_dates_that_begin_anew_are_played_as_they_stand(self, offsets):
        assert order_of(table_of([BEGIN + timedelta(seconds=i) for i in offsets])) is False

    def test_dates_in_no_order_are_sorted(self):
        times = moments(500, step=timedelta(seconds=1))
        shuffled = random.Random(1).sample(times, len(times))
        result = played(table(shuffled))
        assert (result.timestamps(), result.values()) == (ns(times), list(range(500)))

    @given(st.lists(st.integers(-100, 100), min_size=1, max_size=60), st.sampled_from(["\n", "\r\n", "\r"]))
    @settings(max_examples=examples(60), deadline=None)
    def test_any_rows_are_sorted_when_it_is_set(self, times, end):
        lines = ["t,v", *(f"{time},{i}" for i, time in enumerate(times)), ""]
        result = play(end.join(lines), sort=True, time_column="t", time_unit="s", header=1, channel="", delimiter=",")
        ranks = sorted(range(len(times)), key=times.__getitem__)
        turned = sorted(range(len(times)), key=lambda i: (times[i], -i))
        assert result.values() in (ranks, turned)
        assert result.malformed == []

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_in_any_encoding(self, encoding, end):
        times = random.Random(2).sample(range(300), 300)
        lines = ["Zeit (s);Öl (°C)", *(f"{time};{time}" for time in times), ""]
        result = played(end.join(lines).encode(encoding), sort=True)
        assert (result.values(), result.malformed) == (list(range(300)), [])
        assert result.timestamps() == [i * SECOND for i in range(300)]

    def test_line_ends_may_be_mixed(self):
        text = "t,v\n3,3\r\n1,1\r2,2\n0,0\r\n"
        assert played(text, sort=True).values() == [0, 1, 2, 3]


IN_ORDER = {
    "in order": "time,v\n" + "".join(f"{i},1\n" for i in range(50)),
    "midnight": "time,v\n" + "".join(f"{i // 60 % 24:02}:{i % 60:02},1\n" for i in range(1400, 1500)),
    "12-hour clock": "time,v\n" + "".join(f"{(i - 1) % 12 + 1}:00 {'AP'[i // 12 % 2]}M,1\n" for i in range(60)),
    "roll-over": "Time (ms),v\n" + "".join(f"{i * 100 % 65536},1\n" for i in range(3000)),
    "runs with headers": ("time,v\n" + "".join(f"{i},1\n" for i in range(5))) * 9,
    "runs": "time,v\n" + "".join(f"{i},1\n" for i in range(5)) * 9,
    "outliers": "time,v\n" + "".join(f"{i if i % 9 else 0},1\n" for i in range(1, 90)),
    "late rows": "time,v\n" + "".join(f"{1_700_000_000 + i + 2 * (i % 3 == 0)},1\n" for i in range(90)),
    "long": "t,sensor,v\n" + "".join(f"{i},{name},1\n" for i in range(50) for name in "abc"),
    "long with an outlier": "t,sensor,v\n"
    + "".join(f"{0 if (i, name) == (25, 'b') else i},{name},1\n" for i in range(50) for name in "abc"),
    "long over midnight": "t,sensor,v\n"
    + "".join(f"{i // 60 % 24:02}:{i % 60:02},{name},1\n" for i in range(1400, 1500) for name in "abc"),
    "long, two runs": ("t,sensor,v\n" + "".join(f"{i},{name},1\n" for i in range(50) for name in "abc")) * 2,
    "long, clocks that differ": "time,sensor,v\n"
    + "".join(f"{1_700_000_000 + i + k * -0.1:.1f},{name},1\n" for i in range(50) for k, name in enumerate("abc")),
}


@pytest.mark.parametrize("text", IN_ORDER.values(), ids=IN_ORDER)
def test_what_is_in_order_but_for_some_rows_is_played_as_it_stands(text):
    assert order_of(text) is False


def test_things_whose_clocks_differ_a_little_are_not_late():
    result = played(IN_ORDER["long, clocks that differ"])
    begin = 1_700_000_000 * SECOND
    assert [found for found, _ in channels(result).values()] == [
        [begin + i * SECOND - k * SECOND // 10 for i in range(50)] for k in range(3)
    ]
    assert [kind for kind, _ in result.notices] in ([], ["late"] * 2)  # the first ones, of which nothing is known yet


def test_things_whose_clocks_differ_much_are_sorted():
    text = "time,sensor,v\n" + "".join(
        f"{1_700_000_000 + i + 60 * k},{name},1\n" for i in range(200) for k, name in enumerate("ab")
    )
    result = played(text)
    assert (len(result.timestamps(1)), len(result.timestamps(2)), result.malformed) == (200, 200, [])


def test_that_it_is_sorted_is_said():
    found = inspected(table(moments(5)[::-1]))
    (said,) = [d for d in found.detected if d.what == "sort"]
    assert (said.found, said.why) == ("true", "the newest row stands first")
    assert "the newest row stands first: played in the order of time" in found.line
    assert found.settings["sort"] is True


def test_the_options_that_are_shown_read_it_the_same_way():
    for text in (table(moments(9)[::-1]), "Time,v\n00:02,3\n00:01,2\n23:59,1\n23:58,0\n"):
        options = inspected(text).settings
        assert played(text, **options).values() == played(text).values()


@pytest.mark.parametrize("options", [{"sort": False}, {"on_time_back": "keep"}])
def test_it_can_be_played_as_it_stands(options):
    assert played(table(moments(5)[::-1]), **options).values()[0] == 4


def test_headers_comments_marks_and_faults_keep_their_lines():
    text = "# by ann\n" + (
        "Time,RPM,Load\n2025-09-01 00:00:03,3,5\nx,1,1\n# noon\nTime,RPM,Load\n2025-09-01 00:00:02,oops,5\n"
        "2025-09-01 00:00:01,1,5\nLap 1,,\n2025-09-01 00:00:00,0,5,7\n"
    )
    text += "".join(f"2025-08-31 23:59:{59 - i},{-1 - i},5\n" for i in range(20))
    result = played(text)
    assert result.values(1) == [*range(-20, 0), 1, 3]
    assert [kind for kind, _ in result.malformed] == ["row", "cell", "time"]
    assert [detail.partition("line ")[2].partition(":")[0] for _, detail in result.malformed] == ["10", "7", "4"]
    assert [text for _, _, text in result.events()] == ["Lap 1"]


def test_a_line_that_is_too_long_costs_one_row():
    long = "1," + "2" * (2 * LINE_LIMIT)
    result = played(f"t,v\n3,3\n{long}\n2,2\n0,0\n", sort=True)
    assert (result.values(), result.malformed[0][0]) == ([0, 2, 3], "line")


def test_too_many_lines_are_refused(monkeypatch):
    monkeypatch.setattr("rta_transports.csv.sorted_lines.MOST_LINES", 20)
    assert "more than 20 lines, too many to be sorted here; sort = false plays" in str(
        played(table(moments(21)[::-1])).error
    )
    assert played(table(moments(20)[::-1])).error is None


def test_an_inspection_of_some_rows_reads_no_more():
    found = inspected(table(moments(5000)[::-1]), most=100)
    assert (found.whole, found.rows) == (False, 100)
    assert inspected(table(moments(50)[::-1]), most=100).whole is True


def test_how_far_it_is_is_told(tmp_path):
    Path(tmp_path, "a.csv").write_text(table(moments(60_000, step=timedelta(seconds=1))[::-1]))
    opened = open_file(tmp_path / "a.csv", CsvOptions(path="a.csv"))
    shares = [opened.table.share]
    while not opened.table.ended:
        opened.table.read()
        shares.append(opened.table.share)
    opened.table.close()
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert sum(share < 0.4 for share in shares) > 3  # the sorting is cut into parts


def test_each_round_of_a_loop_is_sorted(tmp_path):
    Path(tmp_path, "a.csv").write_text(table(moments(4, step=timedelta(seconds=1))[::-1]))
    result = play_file(tmp_path, rounds=2, path="a.csv", loop=True)
    assert [result.values(session=i) for i in range(2)] == [[0, 1, 2, 3]] * 2
