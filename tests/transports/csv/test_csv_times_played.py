"""Times as people meet them, played through the whole transport: each row with its moment, and none before it is due.

The right answers are reckoned from the moments that the texts are written from, not by what reads them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from csv_replay import SECOND, context_in, play
from rta_transports.csv import CsvOptions, inspect_source

from rta.ports import find_zone

MS = 10**6
DAY = 86400 * SECOND
QUARTER = 900 * SECOND
HOUR = 3600 * SECOND


def at(text):
    """ns of a moment in UTC."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000


def run(begin, step, rows):
    return [begin + i * step for i in range(rows)]


def shown(ns, layout, zone=UTC):
    """What a clock shows; %3 is the ms."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)
    return moment.astimezone(zone).strftime(layout.replace("%3", f"{ns // MS % 1000:03}"))


def table(head, cells):
    return head + "\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))


def dated(layout, times, head="Time,v", zone=UTC):
    return table(head, [shown(time, layout, zone) for time in times])


def counted(head, times, unit):
    return table(head, [f"{Decimal(time) / unit:f}" for time in times])


MAY = at("2022-05-13T10:00:00")
APRIL = run(at("2014-04-13T22:00:00"), QUARTER, 60)
HOURS = run(at("2014-04-13T22:00:00"), HOUR, 60)
SHORT = run(MAY, SECOND, 40)
FINE = run(MAY + 202 * MS, 100 * MS, 60)
TORQUE = [
    f"{shown(time, '%a %b %d %H:%M:%S GMT+00:00 %Y')},{shown(time, '%d-%b-%Y %H:%M:%S.%3')},{i},1"
    for i, time in enumerate(FINE)
]

SAME_MOMENTS = {
    "date and time, month first": (dated("%m/%d/%Y,%H:%M", APRIL, "Date,Time,v"), APRIL),
    "date and time, day first": (dated("%d/%m/%Y,%H:%M:%S", APRIL, "Date,Time,v"), APRIL),
    "time and date": (dated("%H:%M:%S,%Y-%m-%d", APRIL, "Time,Date,v"), APRIL),
    "date and 12-hour time": (dated("%m/%d/%Y,%I:%M %p", APRIL, "Date,Time,v"), APRIL),
    "date and time apart": (dated("7,%d/%m/%Y,x,%H:%M", APRIL, "id,Fecha,x,Hora,v"), APRIL),
    "date and time in digits": (dated("%Y%m%d,%H%M%S", APRIL, "DATE,TIME,v"), APRIL),
    "date and hour": (dated("%Y-%m-%d,%H", HOURS, "Date,Hour,v"), HOURS),
    "date and hour, day first": (dated("%d.%m.%Y,%H", HOURS, "Datum,Stunde,v"), HOURS),
    "midnight as 24:00": (
        "Date,Time,v\n04/13/2014,23:45,0\n04/13/2014,24:00,1\n04/14/2014,00:15,2\n",
        run(at("2014-04-13T23:45:00"), QUARTER, 3),
    ),
    "Harry's": (
        table(
            "INDEX,LAPINDEX,DATE,TIME,TIME_LAP,v",
            [f"{i},1,{shown(t, '%d-%b-%y,%H:%M:%S.%3').upper()[:-1]},{i / 10}" for i, t in enumerate(FINE)],
        ),
        [time - 2 * MS for time in FINE],
    ),
    "iso": (dated("%Y-%m-%d %H:%M:%S", SHORT), SHORT),
    "iso, basic": (dated("%Y%m%dT%H%M%SZ", SHORT), SHORT),
    "iso, to the minute": (dated("%Y-%m-%dT%H:%M", run(MAY, 60 * SECOND, 9)), run(MAY, 60 * SECOND, 9)),
    "iso with ns": (table("time,v", [f"2022-05-13T10:00:00.{i:09}Z" for i in range(9)]), run(MAY, 1, 9)),
    "iso with an offset": (dated("%Y-%m-%dT%H:%M:%S+05:30", SHORT), [time - 19_800 * SECOND for time in SHORT]),
    "days": (dated("%Y-%m-%d", run(at("2022-05-01"), DAY, 31), "Date,v"), run(at("2022-05-01"), DAY, 31)),
    "month names": (dated("%d-%b-%Y %H:%M:%S.%3", FINE), FINE),
    "day first": (dated("%d.%m.%Y %H:%M:%S", SHORT), SHORT),
    "a year of two digits": (dated("%d/%m/%y %H:%M:%S", SHORT), SHORT),
    "as written in Java": (dated("%a %b %d %H:%M:%S GMT+01:00 %Y", SHORT), [time - HOUR for time in SHORT]),
    "days of a spreadsheet": (table("Time,v", [f"{44694 + (36000 + i) / 86400:.10f}" for i in range(40)]), SHORT),
    "since 1970, s": (counted("timestamp,v", FINE, SECOND), FINE),
    "since 1970, ms": (counted("ts,v", FINE, MS), FINE),
    "since 1970, us": (counted("time,v", FINE, 1000), FINE),
    "since 1970, ns": (counted("t,v", FINE, 1), FINE),
    "sec and nanosec": (
        table("header.stamp.sec,header.stamp.nanosec,v", [f"{t // SECOND},{t % SECOND}" for t in FINE]),
        FINE,
    ),
    "unix time and ms": (table("unix_time,ms,v", [f"{t // SECOND},{t % SECOND // MS}" for t in FINE]), FINE),
    "a clock and ms": (
        table("Time,ms,v", [f"{shown(t, '%H:%M:%S')},{t % SECOND // MS}" for t in run(DAY - SECOND, 125 * MS, 40)]),
        run(DAY - SECOND, 125 * MS, 40),
    ),
    "tv_sec and tv_usec": (table("tv_sec,tv_usec,v", [f"{t // SECOND},{t % SECOND // 1000}" for t in FINE]), FINE),
    "s": (counted("Time (s),v", run(7 * SECOND, 125 * MS, 60), SECOND), run(7 * SECOND, 125 * MS, 60)),
    "ms": (counted("time_ms,v", run(0, 20 * MS, 60), MS), run(0, 20 * MS, 60)),
    "ms, and nothing else": (counted("ms,v", run(0, 20 * MS, 60), MS), run(0, 20 * MS, 60)),
    "us": (counted("TimeUS,v", run(0, 4 * MS, 60), 1000), run(0, 4 * MS, 60)),
    "ns": (counted("Time [ns],v", run(5, MS, 60), 1), run(5, MS, 60)),
    "min": (counted("Time (min),v", run(0, 15 * SECOND, 60), 60 * SECOND), run(0, 15 * SECOND, 60)),
    "a duration": (table("Time,v", [f"0 days 00:00:{i * 0.24:09.6f}" for i in range(40)]), run(0, 240 * MS, 40)),
    "m:ss": (table("Time,v", [f"{i * 5 // 60}:{i * 5 % 60:02}.5" for i in range(40)]), run(500 * MS, 5 * SECOND, 40)),
    "over midnight": (dated("%H:%M:%S.%3", run(DAY - SECOND, 50 * MS, 60)), run(DAY - SECOND, 50 * MS, 60)),
    "over midnight, 12 hours": (dated("%I:%M:%S %p", run(DAY - SECOND, SECOND, 40)), run(DAY - SECOND, SECOND, 40)),
    "over noon, 12 hours": (dated("%I:%M:%S %p", run(DAY // 2 - SECOND, SECOND, 9)), run(DAY // 2 - SECOND, SECOND, 9)),
    "over five midnights": (dated("%H:%M", run(20 * HOUR, QUARTER, 400)), run(20 * HOUR, QUARTER, 400)),
    "hours over five midnights": (dated("%H:%M", run(5 * HOUR, HOUR, 120)), run(5 * HOUR, HOUR, 120)),
    "hhmmss over midnight": (
        dated("%H%M%S.%3", run(DAY - 3 * SECOND, 100 * MS, 90), "time,v"),
        run(DAY - 3 * SECOND, 100 * MS, 90),
    ),
    "the finer of two dates": ("GPS Time, Device Time,v,w\n" + "\n".join(TORQUE) + "\n", FINE),
    "the finer of a date and a time": (
        table("timestamp,Time (ms),v", [f"{shown(t, '%Y-%m-%d %H:%M:%S')},{i * 100}" for i, t in enumerate(FINE)]),
        run(0, 100 * MS, 60),
    ),
    "UTC besides local times": (
        table("time_local,time_utc,v", [f"{shown(t + 2 * HOUR, '%F %T')},{shown(t, '%FT%TZ')}" for t in SHORT]),
        SHORT,
    ),
    "TrackAddict, whose first column is the time": (
        table('"Time","UTC Time","Lap",v', [f"{i / 20:.3f},{1565555555.123 + i / 20:.3f},0" for i in range(60)]),
        run(0, 50 * MS, 60),
    ),
    "starts and ends of intervals": (
        table("start_time,end_time,v", [f"{shown(t, '%F %T')},{shown(t + QUARTER, '%F %T')}" for t in APRIL]),
        APRIL,
    ),
    "a gap of a month": (
        counted("timestamp,v", [*SHORT, *(t + 30 * DAY for t in SHORT)], SECOND),
        [*SHORT, *(t + 30 * DAY for t in SHORT)],
    ),
    "a clock that is set forward": (
        counted("timestamp,v", [*SHORT, *(t + 58 * SECOND for t in SHORT)], SECOND),
        [*SHORT, *(t + 58 * SECOND for t in SHORT)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "times"), SAME_MOMENTS.values(), ids=SAME_MOMENTS)
def test_each_row_has_its_moment(text, times):
    played = play(text, origin="file", speed=1e9, channel="")
    names = {p.name: p.channels[0] for _, p in played.configuration.parameters()}
    assert (played.error, played.malformed, len(played.closed)) == (None, [], 1)
    assert played.timestamps(names["v"]) == times


@pytest.mark.parametrize(("text", "times"), SAME_MOMENTS.values(), ids=SAME_MOMENTS)
def test_the_options_that_are_shown_give_the_same(text, times, tmp_path):
    (tmp_path / "drive.csv").write_text(text)
    found = inspect_source(CsvOptions(path="drive.csv", channel=""), context_in(tmp_path), None, lambda share: None)
    played = play(text, origin="file", speed=1e9, **found.settings)
    names = {p.name: p.channels[0] for _, p in played.configuration.parameters()}
    assert played.timestamps(names["v"]) == times


@pytest.mark.parametrize("columns", [None, ["Date", "Hour"]])
@pytest.mark.parametrize("layout", ["%Y-%m-%d", "%d/%m/%Y"])
def test_a_date_and_an_hour_can_be_said(columns, layout):
    times = run(at("2022-05-01"), HOUR, 12 * 24)  # no day over 12
    played = play(dated(f"{layout},%H", times, "Date,Hour,v"), origin="file", time_column=columns, time_format=layout)
    assert played.timestamps() == times


@pytest.mark.parametrize(("text", "times"), SAME_MOMENTS.values(), ids=SAME_MOMENTS)
def test_no_row_is_sent_before_it_is_due_or_long_after(text, times):
    played = play(text, origin="file", channel="")
    names = {p.name: p.channels[0] for _, p in played.configuration.parameters()}
    late = [moment - (timestamp - times[0]) / 1e9 for moment, timestamp, _ in played.samples()[names["v"]]]
    assert -1e-6 <= min(late) <= max(late) <= 0.1 + 1e-6


NIGHTS = {
    "Europe/Copenhagen": ("2024-10-26T20:00:00", "2024-03-30T20:00:00"),
    "America/Chicago": ("2024-11-03T02:00:00", "2024-03-10T02:00:00"),
    "Australia/Lord_Howe": ("2024-04-06T11:00:00", "2024-10-05T11:00:00"),
}
LOCAL = {
    "iso": ("%Y-%m-%d %H:%M:%S", "Time,v"),
    "day first": ("%d.%m.%Y %H:%M:%S", "Zeit,v"),
    "12 hours": ("%m/%d/%Y %I:%M:%S %p", "Time,v"),
    "two columns": ("%d/%m/%Y,%H:%M:%S", "Date,Time,v"),
}


@pytest.mark.parametrize("step", [60, 300, 900, 1800, 3600])
@pytest.mark.parametrize("zone", NIGHTS)
@pytest.mark.parametrize("season", [0, 1], ids=["autumn", "spring"])
def test_the_clocks_may_be_set_in_the_night(zone, season, step):
    times = run(at(NIGHTS[zone][season]), step * SECOND, 36_000 // step)
    for layout, head in LOCAL.values():
        text = dated(layout, times, head, find_zone(zone))
        played = play(text, origin="file", speed=1e9, timezone=zone, time_format=_said(layout))
        assert (played.timestamps(), played.notices) == (times, [])
    offsets = [
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=t // SECOND)).astimezone(find_zone(zone)) for t in times
    ]
    played = play(table("time,v", [moment.isoformat() for moment in offsets]), origin="file", speed=1e9)
    assert (played.timestamps(), played.notices) == (times, [])


def _said(layout):
    """What the option says: days of these nights may be months."""
    return None if layout.startswith("%Y") or "." in layout else layout.replace(",", " ")


def test_each_second_of_an_autumn_night():
    times = run(at("2024-10-26T23:30:00"), SECOND, 3 * 3600)
    text = dated("%Y-%m-%d %H:%M:%S", times, zone=find_zone("Europe/Copenhagen"))
    played = play(text, origin="file", speed=1e9, timezone="Europe/Copenhagen")
    assert (played.timestamps(), played.notices) == (times, [])


RUN = run(0, 100 * MS, 50)
ROWS = counted("Time (s),v", RUN, SECOND)
LATER = [time + SECOND for time in RUN]
BELOW = ROWS.partition("\n")[2]
SEVERAL = {
    "the header again": (ROWS * 3, [RUN] * 3),
    "no header": (ROWS + BELOW, [RUN] * 2),
    "a blank line": (ROWS + "\n" + ROWS, [RUN] * 2),
    "a preamble again": (("# Log 1\n# car: A\n" + ROWS) * 2, [RUN] * 2),
    "units again": ("Time,v\ns,V\n" + BELOW + "Time,v\ns,V\n" + BELOW, [RUN] * 2),
    "runs of two rows": ("Time (s),v\n0,1\n0.1,2\n" * 3, [[0, 100 * MS]] * 3),
    "a run that begins later": (ROWS + counted("Time (s),v", LATER, SECOND), [RUN, LATER]),
    "days apart": (
        dated("%F %T", SHORT) + dated("%F %T", [t + DAY for t in SHORT]),
        [[*SHORT, *(t + DAY for t in SHORT)]],
    ),
    "earlier the same day": (
        dated("%H:%M:%S", run(10 * HOUR, SECOND, 30)) + dated("%H:%M:%S", run(9 * HOUR, SECOND, 30)),
        [run(10 * HOUR, SECOND, 30), run(9 * HOUR, SECOND, 30)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sessions"), SEVERAL.values(), ids=SEVERAL)
def test_runs_that_are_appended_are_sessions(text, sessions):
    played = play(text, origin="file", speed=1e9)
    assert [played.timestamps(session=i) for i in range(len(played.closed))] == sessions
    assert [kind for kind, _ in played.notices] == ["new_session"] * (len(sessions) - 1)
    assert played.malformed == []


COUNTERS = {
    "32 bits of ms": ("Time (ms)", 2**32, MS, 10),
    "32 bits of us": ("time_us", 2**32, 1000, 4000),
    "16 bits of ms": ("Time (ms)", 2**16, MS, 20),
    "16 bits of us": ("micros", 2**16, 1000, 500),
    "24 bits of us": ("timestamp_us", 2**24, 1000, 1000),
    "31 bits of ms": ("ms", 2**31, MS, 100),
    "an odd step": ("millis", 2**32, MS, 17),
    "the second of the week": ("GPS TOW (s)", 604_800, SECOND, 1),
}


@pytest.mark.parametrize(("title", "width", "unit", "step"), COUNTERS.values(), ids=COUNTERS)
@pytest.mark.parametrize("before", [2, 40])
def test_counters_roll_over(title, width, unit, step, before):
    true = run(width - before * step, step, 100)
    played = play(table(f"{title},v", [count % width for count in true]), origin="file", speed=1e9)
    assert played.timestamps() == [count * unit for count in true]
    assert [kind for kind, _ in played.notices] == ["roll_over"]
    assert played.malformed == []


WRONG = {"0": 0, "1980": at("1980-01-06"), "2080": at("2080-01-01"), "32 bits": 4_294_967_295 * SECOND}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("layout", ["", "%Y-%m-%dT%H:%M:%S"], ids=["numbers", "iso"])
@pytest.mark.parametrize("place", [0, 1, 20, 39])
def test_a_wrong_time_costs_its_row(wrong, layout, place):
    times = [*SHORT[:place], wrong, *SHORT[place + 1 :]]
    played = play(dated(layout, times) if layout else counted("timestamp,v", times, SECOND), origin="file")
    assert played.timestamps() == [time for time in times if time != wrong]
    assert (len(played.malformed), len(played.closed)) == (1, 1)
    assert played.kinds[0] in ("time_order", "time")  # the latter where no timestamp can hold it
    assert f"line {place + 2}: " in played.malformed[0][1]
    assert max(played.deliveries()) < 40.2


def test_a_clock_that_is_not_set_at_first_costs_its_rows():
    played = play(counted("timestamp,v", [0, SECOND, 2 * SECOND, *SHORT], SECOND), origin="file", speed=1e9)
    assert (played.timestamps(), [kind for kind, _ in played.malformed]) == (SHORT, ["time_order"] * 3)


ASKED = {
    "day or month": dated("%d/%m/%Y %H:%M:%S", run(at("2022-05-06"), SECOND, 40)),
    "day or month, in two columns": dated("%d/%m/%Y,%H:%M", run(at("2022-05-06"), QUARTER, 40), "Date,Time,v"),
    "twelve days": dated("%d/%m/%Y,%H:%M", run(at("2022-05-01"), HOUR, 12 * 24), "Date,Time,v"),
    "a year of two digits": dated("%m/%d/%y %H:%M:%S", run(at("2022-05-06"), SECOND, 40)),
    "told where nobody looks": table(
        "Time,v",
        [f"03/13/2022 00:00:{i % 60:02}" if i == 20_000 else f"03/12/2022 00:00:{i % 60:02}" for i in range(60_000)],
    ),
}


@pytest.mark.parametrize("text", ASKED.values(), ids=ASKED)
def test_a_date_that_may_be_two_is_asked_for(text):
    played = play(text, origin="file", speed=1e9)
    assert played.updates == []
    assert "day first or month first" in str(played.error)


@pytest.mark.parametrize("title", ["Year", "Month", "Jahr"])
def test_a_part_of_a_date_is_no_time(title):
    assert "no column is a time" in str(play(table(f"{title},v", range(1, 13))).error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (dated("%Y-%m-%d,%H:00-%H:59", HOURS, "date,hour,v"), "'date' has days alone, and 'hour' no times of day"),
        (table("Time,v", [f"{738654 + (36000 + i) / 86400:.9f}" for i in range(40)]), "look like MATLAB's days"),
    ],
)
def test_what_would_be_misread_is_asked_for(text, words):
    assert words in str(play(text).error)


def test_milliseconds_of_something_else_are_no_times():
    text = table("time,ms,v", [f"{shown(time, '%F %T')},{12 + i % 5}" for i, time in enumerate(SHORT)])
    assert play(text, origin="file", speed=1e9).timestamps() == SHORT


def test_days_alone_can_be_taken():
    text = dated("%Y-%m-%d,%H:00-%H:59", HOURS, "date,hour,v")
    played = play(text, origin="file", speed=1e9, time_column="date", columns=["v"])
    assert set(played.timestamps()) == {time // DAY * DAY for time in HOURS}
