"""Whatever way a moment is written in, it is read as the same ns; what may mean two things is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from rta_transports.csv.times.time_formats import JOINT, TimeScale, format_of, joined, recognise

from rta.ports import MalformedError, RtaError, find_zone

SECOND = 10**9
DAY = 86400 * SECOND
QUICK = settings(max_examples=examples(150), deadline=None)
EPOCH, CLOCK, ELAPSED = TimeScale.EPOCH, TimeScale.DAY, TimeScale.ELAPSED


def read(found, cells, zone="UTC"):
    """ns of the cells, and what was noted."""
    notes = []
    parse = found.parser(find_zone(zone), lambda kind, detail: notes.append(kind))
    return [parse(cell) for cell in cells], notes


def at(text):
    """ns of a time in ISO 8601, which is UTC where it says nothing."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    ("cells", "name", "moment"),
    [
        (["2024-01-31T10:15:00Z"], "iso", "2024-01-31T10:15"),
        (["2024-01-31 10:15:00,250+0100"], "iso", "2024-01-31T09:15:00.250"),
        (["20240131T101500"], "iso", "2024-01-31T10:15"),
        (["2024-01-31T24:00:00"], "iso", "2024-02-01T00:00"),
        (["2016-12-31T23:59:60.5Z"], "iso", "2017-01-01T00:00:00.5"),
        (["2024/1/31 5:03"], "%Y/%m/%d %H:%M", "2024-01-31T05:03"),
        (["2024-01-31 10:15:00 UTC"], "%Y-%m-%d %H:%M:%S %z", "2024-01-31T10:15"),
        (["2024-01-31 10:15:00 CEST"], "%Y-%m-%d %H:%M:%S %z", "2024-01-31T08:15"),
        (["20240131 101500"], "iso", "2024-01-31T10:15"),
        (["20240131101500"], "%Y%m%d%H%M%S", "2024-01-31T10:15"),
        (["20240131101500123"], "%Y%m%d%H%M%S%f", "2024-01-31T10:15:00.123"),
        (["202401311015"], "%Y%m%d%H%M", "2024-01-31T10:15"),
        (["2024013123", "2024020100"], "%Y%m%d%H", "2024-01-31T23:00"),
        (["29-Jan-2022 00:56:52.202"], "%d-%b-%Y %H:%M:%S", "2022-01-29T00:56:52.202"),
        (["Jan 29 2022"], "%b %d %Y", "2022-01-29"),
        (["Sat Jan 29 00:56:52 GMT+00:00 2022"], "%a %b %d %H:%M:%S %z %Y", "2022-01-29T00:56:52"),
        (["Sat Jan 29 00:56:52 GMT+01:00 2022"], "%a %b %d %H:%M:%S %z %Y", "2022-01-28T23:56:52"),
        (
            ["Sat Jan 29 2022 00:56:52 GMT-0500 (Eastern Standard Time)"],
            "%a %b %d %Y %H:%M:%S %z",
            "2022-01-29T05:56:52",
        ),
        (["Sat, 29 Jan 2022 00:56:52 +0100"], "%a, %d %b %Y %H:%M:%S %z", "2022-01-28T23:56:52"),
        (["29/Jan/2022:00:56:52 +0100"], "%d/%b/%Y:%H:%M:%S %z", "2022-01-28T23:56:52"),
        (["Sunday, March 10, 2024"], "%a, %b %d, %Y", "2024-03-10"),
        (["Sonntag, 10. März 2024 10:15"], "%a, %d. %b %Y %H:%M", "2024-03-10T10:15"),
        (["mar. 10 sept. 2024 10:15:00"], "%a %d %b %Y %H:%M:%S", "2024-09-10T10:15"),
        (["10 de enero de 2024 8:05"], "%d de %b de %Y %H:%M", "2024-01-10T08:05"),
        (["10 août 2024"], "%d %b %Y", "2024-08-10"),
        (["3 gen 2024 10:15:00"], "%d %b %Y %H:%M:%S", "2024-01-03T10:15"),
        (["29-JAN-22 12.56.52 PM"], "%d-%b-%y %I.%M.%S %p", "2022-01-29T12:56:52"),
        (["27.10.2024 02:00:00"], "%d.%m.%Y %H:%M:%S", "2024-10-27T02:00"),
        (["04.08.24 13:14"], "%d.%m.%y %H:%M", "2024-08-04T13:14"),
        (["04/13/2014"], "%m/%d/%Y", "2014-04-13"),
        (["13/04/14 1:02"], "%d/%m/%y %H:%M", "2014-04-13T01:02"),
        (["08/31/2026 01:11:43.6990 PM"], "%m/%d/%Y %I:%M:%S %p", "2026-08-31T13:11:43.699"),
        (["12/31/2026 12:00 AM"], "%m/%d/%Y %I:%M %p", "2026-12-31T00:00"),
        (["24-02-28", "24-02-29", "24-03-01"], "%y-%m-%d", "2024-02-28"),
        (["10:15:00 31.01.2024"], "%H:%M:%S %d.%m.%Y", "2024-01-31T10:15"),
    ],
)
def test_dates_are_told_from_their_cells(cells, name, moment):
    found = recognise(cells, title="Time")
    assert (found.name, found.scale) == (name, EPOCH)
    assert read(found, cells[:1])[0] == [at(moment)]
    again = format_of(name, cells)
    assert (read(again, cells[:1])[0], again.local) == ([at(moment)], found.local)


@pytest.mark.parametrize(
    ("cells", "name", "scale", "seconds"),
    [
        (["00:00:00.040", "23:59:59.990"], "h:mm:ss", CLOCK, [0.04, 86399.99]),
        (["10:15:00:250"], "h:mm:ss", CLOCK, [36900.25]),
        (["00:00", "00:15", "24:00"], "h:mm", CLOCK, [0, 900, 86400]),
        (["44:00:00", "44:00:01,5"], "h:mm:ss", ELAPSED, [158400, 158401.5]),
        (["0:59.9", "1:00.0", "61:00.5"], "m:ss", ELAPSED, [59.9, 60, 3660.5]),
        (["44:00", "45:30"], "m:ss", ELAPSED, [2640, 2730]),
        (["-0:01.5", "0:00.0"], "m:ss", ELAPSED, [-1.5, 0]),
        (["-0:00:01", "0:00:01"], "h:mm:ss", ELAPSED, [-1, 1]),
        (["10:22:01 AM", "10:22:01 p.m."], "%I:%M:%S %p", CLOCK, [37321, 80521]),
        (["12:00 a. m.", "12:30 p. m."], "%I:%M %p", CLOCK, [0, 45000]),
        (["0 days 00:00:00.24", "-1 days +23:59:59"], "duration", ELAPSED, [0.24, -1]),
        (["1 day, 2:03:04"], "duration", ELAPSED, [93784]),
        (["-1.02:03:04.5"], "duration", ELAPSED, [-93784.5]),
        (["PT1M1.5S", "P1DT1H"], "duration", ELAPSED, [61.5, 90000]),
        (["105959.98", "110000.00", "110000.02"], "hhmmss", CLOCK, [39599.98, 39600, 39600.02]),
        (["95959", "100000", "100001"], "hhmmss", CLOCK, [35999, 36000, 36001]),
        (["010203.40", "010203.50"], "hhmmss", CLOCK, [3723.4, 3723.5]),
        (["105958.98", "105959.98", "105960.98"], "s", ELAPSED, [105958.98, 105959.98, 105960.98]),
    ],
)  # fmt: skip
def test_clock_times_and_durations_are_told_from_their_cells(cells, name, scale, seconds):
    found = recognise(cells, title="Time")
    assert (found.name, found.scale, found.local) == (name, scale, False)
    assert read(found, cells)[0] == [round(s * SECOND) for s in seconds]
    assert read(format_of(name, cells), cells)[0] == [round(s * SECOND) for s in seconds]


@pytest.mark.parametrize(
    ("title", "unit", "ns"),
    [
        ("Time", "s", SECOND), ("Time (sec)", "", SECOND), ("Time [seconds]", "", SECOND), ("Time", "", SECOND),
        ("Time (msec)", "", 10**6), ("timestamp_ms", "", 10**6), ("Time", "milliseconds", 10**6), ("timeMs", "", 10**6),
        ("Time (µs)", "", 1000), ("Time (μs)", "", 1000), ("TimeUS", "", 1000), ("time_us", "", 1000),
        ("t_ns", "", 1), ("Time", "nanoseconds", 1), ("Zeit", "min", 60 * SECOND), ("Uptime", "h", 3600 * SECOND),
        ("Time (ms since start)", "", 10**6), ("millis", "", 10**6), ("Micros", "", 1000), ("Seconds", "", SECOND),
    ],
)  # fmt: skip
def test_a_number_is_in_the_unit_of_its_name(title, unit, ns):
    found = recognise(["1.5", "2.5", "3"], unit, title)
    assert (found.unit_ns, found.scale) == (ns, ELAPSED)
    assert read(found, ["3"])[0] == [ns * 3]


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("title", ["timestamp", "unix time", "t"])
def test_numbers_since_1970_tell_their_unit(unit, scale, title):
    found = recognise([str((1_785_849_363 + i) * scale) for i in range(3)], title=title)
    assert (found.name, found.scale) == (unit, EPOCH)


def test_what_the_unit_says_goes_before_the_size():
    found = recognise(["1785849363", "1785849364"], "ms", "uptime")
    assert (found.name, found.scale) == ("ms", ELAPSED)
    with pytest.raises(RtaError, match=r'too large for s .*likely is time_unit = "ms"'):
        recognise(["1785849363000", "1785849364000"], "s", "Time")


def test_a_gps_logger_writes_hhmmss_whatever_the_step():
    cells = ["105957.98", "105958.00", "105958.02"]
    for title, titles in (("time", ["sats", "time", "lat", "long"]), ("UTC time", ["UTC time"])):
        found = recognise(cells, title=title, titles=titles)
        assert (found.name, read(found, cells)[0][0]) == ("hhmmss", 39_597_980_000_000)
    assert recognise(cells, title="time", titles=["time", "lat"]).name == "s"


@pytest.mark.parametrize("cell", ["2024-07-31 10:15", "31.07.2024 10:15"])
@pytest.mark.parametrize(("title", "unit"), [("time_utc", ""), ("Time (UTC)", ""), ("Time", "UTC"), ("GMT", "")])
def test_a_column_that_says_utc_is_in_no_other_zone(cell, title, unit):
    found = recognise([cell], unit, title)
    assert (found.local, read(found, [cell], "Europe/Berlin")[0]) == (False, [at("2024-07-31T10:15")])
    assert read(recognise([cell], title="Time"), [cell], "Europe/Berlin")[0] == [at("2024-07-31T08:15")]


def test_a_px4_log_counts_microseconds():
    names = ["timestamp", "timestamp_sample", "q[0]"]
    assert recognise(["112574307", "112578307"], title="timestamp", titles=names).name == "us"


@pytest.mark.parametrize(
    ("counts", "likely"), [([0, 1000, 2000], "ms"), ([0, 4000, 8000], "us"), ([0, 1_250_000, 2_500_000], "ns")]
)
def test_whole_numbers_that_leap_are_asked_for(counts, likely):
    with pytest.raises(RtaError, match=f"column 't' .* say time_unit; likely is time_unit = \"{likely}\""):
        recognise([str(count) for count in counts], title="t")


@pytest.mark.parametrize("step", [1, 20, 900, 3600, 86400])
def test_seconds_of_slow_loggers_are_not_asked_for(step):
    assert recognise([str(i * step) for i in range(9)], title="t").name == "s"


@pytest.mark.parametrize(
    ("text", "decimal", "seconds"),
    [
        ("0,198", ",", 0.198),
        ("1.860", ",", 1860),
        ("1.234,5", ",", 1234.5),
        ("1,234.5", ".", 1234.5),
        ("1 234,5", ",", 1234.5),
    ],
)
def test_a_thousands_mark_is_no_decimal_mark(text, decimal, seconds):
    assert read(format_of("s", [text], decimal), [text])[0] == [round(seconds * SECOND)]


def test_a_column_with_points_is_read_so_in_a_file_with_commas():
    cells = ["0.198", "1.198", "2.5"]
    assert read(recognise(cells, title="t", decimal=","), cells)[0] == [198_000_000, 1_198_000_000, 2_500_000_000]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["08/11/2026"], r"'Date' may be day first or month first \(08/11/2026\): say time_format = "
         '"%d/%m/%Y" or "%m/%d/%Y"'),
        (["08/11/2026 01:11:43.6990 PM"], '"%d/%m/%Y %I:%M:%S %p" or "%m/%d/%Y %I:%M:%S %p"'),
        (["1-2-2024 10:15", "12-12-2024 10:15"], '"%d-%m-%Y %H:%M" or "%m-%d-%Y %H:%M"'),
        (["08/11/26"], '"%d/%m/%y" or "%m/%d/%y"'),
        (["13/01/2024", "01/13/2024"], "neither all day first nor all month first"),
        (["Sat Jan 29 00:56:52 CST 2022"], 'CST.* say timezone, and time_format = "%a %b %d %H:%M:%S CST %Y"'),
        (["2024-01-31 10:15:00 BST"], 'BST.* say timezone, and time_format = "%Y-%m-%d %H:%M:%S BST"'),
    ],
)  # fmt: skip
def test_what_may_mean_two_things_is_asked_for(cells, words):
    with pytest.raises(RtaError, match=words):
        recognise(cells, title="Date")


def test_the_format_that_the_error_names_is_right():
    texts = ["Sat Jan 29 00:56:52 CST 2022"]
    found = format_of("%a %b %d %H:%M:%S CST %Y")
    assert read(found, texts, "America/Chicago")[0] == [at("2022-01-29T06:56:52")]


def test_one_day_over_12_settles_it():
    cells = ["08/11/2026"] * 3000 + ["08/13/2026"]
    assert recognise(cells, title="Date").name == "%m/%d/%Y"
    assert (
        recognise([cell.replace("13", "12") for cell in cells[:-1]] + ["13/08/2026"], title="Date").name == "%d/%m/%Y"
    )


def test_a_year_of_two_digits_is_not_in_the_future():
    now = at("2026-01-01")
    assert recognise(["24-01-31"], title="Date", now=now).name == "%y-%m-%d"
    assert recognise(["31-01-24"], title="Date", now=now).name == "%d-%m-%y"


@pytest.mark.parametrize(
    "cells", [["48 km/h"], ["Hello"], ["N"], [""], [], ["True", "False"], ["192.168.1.20"], ["1:2"]]
)
def test_what_is_no_time_is_none(cells):
    assert recognise(cells, title="Time") is None


def test_a_wrong_cell_does_not_change_the_format():
    assert recognise(["Time (s)", "0.1", "0.2", "0.3"], title="Time (s)").name == "s"
    assert recognise(["31.01.2024 10:15"] * 9 + ["Mark"], title="Zeit").name == "%d.%m.%Y %H:%M"


def test_midnight_may_be_written_as_the_date_alone():
    cells = ["27.10.2024 23:45:00", "28.10.2024", "28.10.2024 00:15"]
    assert read(recognise(cells), cells)[0] == [at(f"2024-10-{t}") for t in ("27T23:45", "28T00:00", "28T00:15")]


@pytest.mark.parametrize(
    ("text", "cell", "ns"),
    [
        ("%d/%m/%Y %H:%M:%S.%f", "08/11/2026 01:02:03.123456789", at("2026-11-08T01:02:03") + 123_456_789),
        ("%H%M%S%f", "101500123", 36_900_123_000_000),
        ("%Y.%j %H:%M", "2024.366 12:00", at("2024-12-31T12:00")),
        ("%F %T", "2024-01-31 10:15:00", at("2024-01-31T10:15")),
        ("100%% %Y-%m-%d", "100% 2024-01-31", at("2024-01-31")),
        ("[%d %B %Y, %I:%M %p]", "[3 August 2024, 1:05 pm]", at("2024-08-03T13:05")),
    ],
)
def test_a_format_of_ones_own(text, cell, ns):
    assert read(format_of(text), [cell])[0] == [ns]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%d/%m", "no year"), ("%Y", "no year, month and day"), ("%Q", "%Q is none of"),
        ("%d/%m/%Y %I:%M", "%I needs %p"), ("%Y-%m-%d %Y", "stands twice"), ("%M:%S", "neither a day nor an hour"),
        ("fortnights", "no format 'fortnights'; one of s, ms"),
    ],
)  # fmt: skip
def test_a_format_that_cannot_be_is_refused(text, words):
    with pytest.raises(RtaError, match=f"time_format: .*{words}"):
        format_of(text)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("%d/%m/%Y", "31/02/2024"), ("%d/%m/%Y", "1/13/2024"), ("%H:%M:%S", "24:00:01"), ("%I:%M %p", "13:00 PM"),
        ("%d %b %Y", "1 Foo 2024"), ("h:mm:ss", "10:60:00"), ("h:mm", "10:15.5"), ("hhmmss", "106000"),
        ("duration", "days"), ("duration", ""), ("%Y.%j", "2023.366"), ("%Y%m%d%H%M%S", "2024013110150"),
        ("%Y-%m-%d %H:%M %z", "2024-01-31 10:15 +19:00"), ("excel", "x"), ("%Y-%m-%d", "1700-01-01"),
        ("%d/%m/%Y %I:%M:%S %p", "08/11/2026 01:02:03"), ("s", "1,5"), ("m:ss", "1:75"),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_like_that_is_a_fault(name, cell):
    with pytest.raises(MalformedError, match=r"the (time|zone) .* is (not|more than)") as caught:
        format_of(name).parser(UTC, lambda kind, detail: None)(cell)
    assert caught.value.kind == "time"


def test_spreadsheet_days_are_on_the_clocks_of_the_zone():
    found = format_of("excel")
    assert read(found, ["45292.5", "45292.4270833333"])[0] == [at("2024-01-01T12:00"), at("2024-01-01T10:15")]
    assert read(found, ["45292.5"], "Asia/Tokyo")[0] == [at("2024-01-01T03:00")]


def test_two_cells_are_one_moment():
    both = joined(recognise(["04/13/2014"]), recognise(["00:15", "23:45"]))
    cells = [JOINT.join(pair) for pair in (("04/13/2014", "00:15"), ("04/13/2014", "24:00"), ("04/14/2014", "1:00"))]
    assert read(both, cells, "America/Chicago")[0] == [at(f"2014-04-{t}") for t in ("13T05:15", "14T05:00", "14T06:00")]
    twelve = joined(recognise(["20140413"], title="Date"), recognise(["12:15:01.5 AM"]))
    assert read(twelve, [JOINT.join(("20140413", "01:15:01.5 PM"))])[0] == [at("2014-04-13T13:15:01.5")]


class TestLocalTimes:
    def test_the_order_of_rows_tells_which_hour_of_an_autumn_night_it_is(self):
        walls = ["01:45", "02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"]
        ns, notes = read(format_of("iso"), [f"2024-10-27 {wall}:00" for wall in walls], "Europe/Copenhagen")
        assert ns == [at("2024-10-26T23:45") + i * 900 * SECOND for i in range(10)]
        assert notes == []

    @pytest.mark.parametrize("name", ["%d.%m.%Y %H:%M", "both"])
    def test_so_it_is_in_any_format(self, name):
        found = joined(format_of("%d.%m.%Y"), format_of("h:mm")) if name == "both" else format_of(name)
        mark = JOINT if name == "both" else " "
        cells = [f"27.10.2024{mark}{wall}" for wall in ("01:40", "02:20", "02:50", "02:10", "02:50", "03:20")]
        ns, notes = read(found, cells, "Europe/Berlin")
        walls = ("26T23:40", "27T00:20", "27T00:50", "27T01:10", "27T01:50", "27T02:20")
        assert (ns, notes) == ([at(f"2024-10-{wall}") for wall in walls], [])

    def test_where_the_order_does_not_tell_it_is_noted(self):
        assert read(format_of("iso"), ["2024-10-27 02:30"], "Europe/Berlin") == (
            [at("2024-10-27T00:30")],
            ["ambiguous_time"],
        )

    def test_an_hour_that_never_was_is_one_later(self):
        ns, notes = read(
            format_of("iso"), ["2024-03-31 01:45", "2024-03-31 02:30", "2024-03-31 03:30"], "Europe/Berlin"
        )
        assert (ns, notes) == (
            [at("2024-03-31T00:45"), at("2024-03-31T01:30"), at("2024-03-31T01:30")],
            ["skipped_time"],
        )

    @QUICK
    @given(
        st.sampled_from(
            ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "America/Sao_Paulo"]
        ),
        st.integers(0, 60 * 365 * 96),
        st.sampled_from([5, 10, 15]),
    )
    def test_a_run_of_rows_over_any_night_is_told_by_its_order(self, zone, quarter, minutes):
        start = datetime.fromtimestamp(quarter * 900, UTC)
        moments = [start + timedelta(minutes=minutes * i) for i in range(60)]
        walls = [moment.astimezone(find_zone(zone)) for moment in moments]
        if walls[0].utcoffset() != walls[0].replace(fold=not walls[0].fold).utcoffset():
            return  # begins in the night itself: nothing tells
        cells = [wall.strftime("%Y-%m-%d %H:%M") for wall in walls]
        assert read(format_of("iso"), cells, zone)[0] == [at(moment.isoformat()) for moment in moments]


MOMENTS = st.integers(at("1990-01-01"), at("2069-01-01") - 1)
WORDS = {"%b": ["Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "Januar Februar März April Mai Juni Juli August "
         "September Oktober November Dezember", "enero febrero marzo abril mayo junio julio agosto septiembre octubre "
         "noviembre diciembre", "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."]}  # fmt: skip
FORMATS = [
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d-%b-%Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p", "%Y/%m/%d %H:%M:%S %z", "%d %b %Y %H:%M:%S", "%H:%M:%S %d/%m/%Y", "%Y %j %H:%M:%S",
]  # fmt: skip


@QUICK
@given(
    MOMENTS, st.sampled_from(FORMATS), st.integers(0, 9), st.sampled_from(".,"), st.sampled_from(WORDS["%b"]),
    st.integers(-56, 56), st.booleans(),
)  # fmt: skip
def test_any_moment_in_any_format_is_the_same_ns(ns, layout, digits, mark, months, offset, padded):
    ns -= ns % 10 ** (9 - digits)
    zone = timezone(timedelta(minutes=15 * offset)) if "%z" in layout else UTC
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // SECOND)).astimezone(zone)
    fraction = f"{mark}{ns % SECOND:09}"[: digits + 1] if digits else ""
    numbers = {"%d": moment.day, "%m": moment.month, "%H": moment.hour, "%I": moment.hour % 12 or 12}
    text = layout.replace("%S", "%S" + fraction).replace("%b", months.split()[moment.month - 1])
    for directive, number in numbers.items():
        text = text.replace(directive, f"{number:02}" if padded else str(number))
    text = moment.strftime(text.replace("%p", "PM" if moment.hour >= 12 else "AM"))
    assert read(format_of(layout), [text])[0] == [ns]


@QUICK
@given(MOMENTS, st.sampled_from("T "), st.integers(0, 9), st.sampled_from([None, 0, 60, -330]))
def test_any_moment_in_iso_8601_is_the_same_ns(ns, middle, digits, offset):
    ns -= ns % 10 ** (9 - digits)
    zone = UTC if offset is None else timezone(timedelta(minutes=offset))
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // SECOND)).astimezone(zone)
    text = moment.replace(tzinfo=None).isoformat(middle) + (f".{ns % SECOND:09}"[: digits + 1] if digits else "")
    text += "" if offset is None else moment.isoformat()[-6:]
    found = recognise([text], title="time")
    assert (found.name, found.local, read(found, [text])[0]) == ("iso", offset is None, [ns])


@QUICK
@given(st.integers(-(10**17), 10**17), st.booleans())
def test_any_duration_is_the_same_ns(ns, pandas):
    days, rest = divmod(ns, DAY)
    clock = f"{rest // SECOND // 3600:02}:{rest // SECOND // 60 % 60:02}:{rest // SECOND % 60:02}.{rest % SECOND:09}"
    if pandas:
        text = f"{days} days {'+' if days < 0 else ''}{clock}"
    else:
        whole = abs(ns) // SECOND
        text = f"{'-' if ns < 0 else ''}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}.{abs(ns) % SECOND:09}"
    found = format_of("duration" if pandas else "h:mm:ss")
    assert read(found, [text])[0] == [ns]


@QUICK
@given(st.text(max_size=40) | st.from_regex(r"[0-9/:.\- TJanPM+]{1,30}", fullmatch=True))
def test_any_text_is_a_time_or_is_refused_in_words(text):
    try:
        found = recognise([text], title="Time")
        told = [] if found is None else read(found, [text])[0]
    except RtaError as e:
        told = [str(e)]
    assert all(told) or told == [0]
