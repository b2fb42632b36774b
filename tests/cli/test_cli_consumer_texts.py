"""What the consumer's commands make of what nodes say: tables, lines, CSV; hostile texts are shown, never obeyed."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import Any

import click
import pytest

from rta.cli import main
from rta.cli.arguments import read_node, read_patterns
from rta.cli.event_text import event_json, event_lines
from rta.cli.fetch_progress import FetchProgress
from rta.cli.history_writers import CsvTable, JsonLines
from rta.cli.paging import Pager
from rta.cli.text import flatten, format_value, json_line, summarize
from rta.cli.times import format_age, format_elapsed, format_time, read_time
from rta.cli.watch_table import GapCounts, Watched
from rta.cli.wrong_clocks import WrongClocks
from rta.consumer import (
    AlarmChanged,
    AlarmEntry,
    CommandError,
    Event,
    GapFound,
    GapHealed,
    HistoryPage,
    HistoryReceived,
    PresenceChanged,
    RemoteAlarm,
    RemoteNode,
    ReplayReceived,
    StatusEntry,
    StatusReceived,
    StreamChanged,
)
from rta.consumer.counts import Counts
from rta.consumer.picture import Picture
from rta.formatting import printable
from rta.rsmp.payload import encode, iso, parse_iso
from rta.rsmp.topics import TopicAddress, TopicKind
from rta.wire.values import Ns

NOW = parse_iso("2026-11-21T10:00:00Z")
HOSTILE = "\x1b]0;owned\x07[red]\u202e\x9b31m"


def ago(seconds: float) -> Ns:
    return Ns(NOW - round(seconds * 1e9))


def entry(seconds: float, seq: int | None, **values: Any) -> StatusEntry:
    return StatusEntry(ago(seconds), seq, values)


# ---- the table


class Heard:
    """What a watch would know after these messages."""

    def __init__(self) -> None:
        self.picture = Picture(Counts())
        self.gaps = GapCounts()

    def hear(
        self, kind: TopicKind, said: Any, code: str = "", name: str = "", node: str = "dk/tlc", **how: Any
    ) -> Heard:
        retained, at = how.get("retained", False), how.get("at", NOW)
        self._count(self.picture.feed(node, TopicAddress(kind, code, name), encode(said), retained, at))
        return self

    def status(self, seq: int, seconds: float = 0.4, **values: Any) -> Heard:
        entry = {"ts": iso(ago(seconds)), "seq": seq, "values": values}
        return self.hear(TopicKind.STATUS, {"entries": [entry]}, "car.run", "live")

    def give_up(self) -> Heard:
        self._count(self.picture.give_up(next(iter(self.picture.gaps))))
        return self

    def _count(self, events: list[Event]) -> None:
        for event in events:
            self.gaps.handle(event)

    def shown(self, note: str = "", height: int = 25, width: int = 120) -> str:
        return drawn(self.picture.nodes, self.gaps, note, height, width)


def running() -> Heard:
    heard = Heard().hear(TopicKind.PRESENCE, "online", at=ago(75))
    heard.hear(TopicKind.STATE, {"state": "running"}, "car.run", "live")
    return heard.status(12, speed=51.0, sg={"1": "green", "2": None})


def drawn(
    nodes: dict[str, RemoteNode],
    gaps: GapCounts,
    note: str = "",
    height: int = 25,
    width: int = 120,
    patterns: tuple[str, ...] = ("dk/+",),
    trouble: str | None = None,
) -> str:
    watched = Watched(patterns, nodes, gaps, "tmc", trouble, [note] if note else [])
    return "\n".join(line.plain for line in watched.draw(NOW, Pager(), width, height))


def line(text: str, start: str) -> list[str]:
    return next(x.split() for x in text.splitlines() if x.strip().startswith(start))


def test_a_node_has_its_presence_and_how_long_we_know_it():
    assert line(running().shown(), "dk/tlc") == ["dk/tlc", "online", "75", "s"]


def test_a_presence_that_was_kept_by_the_broker_is_at_least_so_old():
    heard = Heard().hear(TopicKind.PRESENCE, "offline", retained=True, at=ago(75))
    assert line(heard.shown(), "dk/tlc") == ["dk/tlc", "offline", ">75", "s"]


def test_a_stream_has_state_age_number_and_values_with_components():
    words = ["car.run/live", "running", "0.4", "s", "12", "speed=51", "sg[1]=green", "sg[2]=null"]
    assert line(running().shown(), "car.run/live") == words


def test_open_lost_and_healed_gaps_are_counted():
    heard = running().status(14, 0.3).status(16, 0.2).status(20, 0.1)
    assert "3 open (5)" in heard.shown()
    heard.give_up()
    late = [{"ts": iso(ago(0.25)), "seq": 15, "values": {}, "next_ts": None}]
    heard.hear(TopicKind.REPLAY, {"entries": late}, "car.run", "live")
    assert "1 open (3), 1 lost, 1 healed (1)" in heard.shown()


def test_alarms_stand_below_the_streams():
    alarm = {"ts": iso(ago(300)), "component": "engine/1", "active": True, "values": {"value": 118.5}}
    text = running().hear(TopicKind.ALARM, {"entries": [alarm], "full": True}, "oil.hot").shown()
    assert line(text, "!") == ["!", "oil.hot", "engine/1", "alarm", "5", "min", "value=118.5"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (40, 10)])
def test_a_node_of_which_nothing_was_heard_is_named(width, height):
    text = drawn(running().picture.nodes, GapCounts(), width=width, height=height, patterns=("dk/+", "nonode", "a/+"))
    assert line(text, "nonode") == ["nonode", "not", "heard", "yet"]
    assert line(text, "a/+") == ["a/+", "not", "heard", "yet"]
    assert text.count("not heard yet") == 2
    assert "dk/+ nonode a/+" in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (40, 10), (80, 12)])
def test_the_connection_and_the_count_are_there_in_a_terminal_of_any_size(width, height):
    heard = Heard()
    for i in range(60):
        node = f"dk/copenhagen/north-western-district/traffic-light-controller-{i:02d}/backup"
        heard.hear(TopicKind.PRESENCE, "online", node=node)
    patterns = ("dk/copenhagen/north-western-district/+/backup",)
    for trouble, said in ((None, "connected as tmc"), ("refused", "no connection, trying again: refused")):
        text = drawn(heard.picture.nodes, heard.gaps, "", height, width, patterns, trouble)
        lines = text.splitlines()
        assert said in text
        assert (len(lines), max(map(len, lines)) <= width) == (height, True)
        shown = int(lines[-1].partition("-")[2].split()[0])
        assert lines[-1] == f"rows 1-{shown} of 60"
        assert len({row.split()[0] for row in lines[-1 - shown : -1]}) == shown


def test_more_than_fits_the_terminal_is_counted():
    heard = Heard()
    for i in range(300):
        heard.hear(TopicKind.PRESENCE, "online", node=f"dk/n{i:03d}")
    text = heard.shown(height=24)
    assert len(text.splitlines()) <= 24
    assert text.splitlines()[-1] == "rows 1-21 of 300"


def test_a_line_is_never_longer_than_the_terminal():
    wide = {f"attribute-{i}": "x" * 100 for i in range(200)}
    text = running().status(13, 0.1, **wide).shown(note="y" * 500, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) == 6


def test_a_hostile_node_cannot_control_the_terminal():
    alarm = RemoteAlarm(HOSTILE, HOSTILE, NOW, {HOSTILE: HOSTILE})
    hostile = RemoteNode(HOSTILE, HOSTILE, NOW, alarms={("a", "b"): alarm})
    heard = running().status(13, 0.1, **{HOSTILE: HOSTILE, "sg": {HOSTILE: HOSTILE}})
    text = drawn(heard.picture.nodes | {"x": hostile}, heard.gaps, note=HOSTILE, width=400)
    assert text.count("[red]") >= 10
    assert printable(text.replace("\n", "")) == text.replace("\n", "")


# ---- lines

EVENTS = [
    (PresenceChanged("dk", "offline", NOW), "dk  offline", {"event": "presence", "presence": "offline"}),
    (StreamChanged("dk", "a.b", "", "stopped"), "dk  a.b stopped", {"event": "state", "state": "stopped"}),
    (StreamChanged("dk", "a.b", "x", None), "dk  a.b/x is gone", {"event": "state", "state": None}),
    (
        StatusReceived("dk", "a.b", "x", (entry(0, 7, v=1),)),
        "dk  a.b/x #7  v=1",
        {
            "event": "status",
            "retained": False,
            "entries": [{"ts": "2026-11-21T10:00:00.000Z", "seq": 7, "values": {"v": 1}}],
        },
    ),
    (
        ReplayReceived("dk", "a.b", "x", (), True, False),
        "dk  a.b/x replay done",
        {"event": "replay", "done": True, "beginning": False, "entries": []},
    ),
    (
        HistoryReceived("dk", "a.b", "x", (entry(0, 7, v=1),)),
        "dk  a.b/x #7 (history)  v=1",
        {"event": "history"},
    ),
    (
        GapFound("dk", "a.b", "x", 3, 7, NOW, NOW),
        "dk  a.b/x gap: #4 to #6 missing, 2026-11-21 10:00:00Z to 2026-11-21 10:00:00Z",
        {"event": "gap", "after_seq": 3, "before_seq": 7, "from": "2026-11-21T10:00:00.000Z"},
    ),
    (GapHealed("dk", "a.b", "x", 3, 5, NOW, NOW, 0), "dk  a.b/x gap of #4 healed", {"missing": 0}),
    (
        GapHealed("dk", "a.b", "x", 3, 7, NOW, NOW, 2),
        "dk  a.b/x gap of #4 to #6 given up, 2 remain missing",
        {"event": "gap closed", "missing": 2},
    ),
    (
        AlarmChanged("dk", "oil", (AlarmEntry(NOW, "e/1", True, {"v": 2}),), False),
        "dk  alarm: oil e/1  v=2",
        {"event": "alarm", "full": False},
    ),
    (AlarmChanged("dk", "oil", (), True), "dk  no alarm: oil", {"event": "alarm", "full": True, "entries": []}),
]


@pytest.mark.parametrize(("event", "said", "fields"), EVENTS, ids=lambda x: getattr(x, "event", None))
def test_an_event_is_a_line_for_people_and_an_object_for_pipes(event, said, fields):
    assert list(event_lines(event, NOW)) == [f"2026-11-21 10:00:00Z  {said}"]
    document = json.loads(event_json(event, NOW))
    assert (document["at"], document["node"]) == ("2026-11-21T10:00:00.000Z", "dk")
    assert fields.items() <= document.items()


def test_lines_are_one_line_each_whatever_is_in_them():
    hostile = StatusReceived("dk", "a.b", "x", (StatusEntry(NOW, 1, {f"{HOSTILE}\n": f"{HOSTILE}\n"}),))
    for text in (*event_lines(hostile, NOW), event_json(hostile, NOW)):
        assert text.isprintable()
    assert json.loads(event_json(hostile, NOW))["entries"][0]["values"] == {f"{HOSTILE}\n": f"{HOSTILE}\n"}


# ---- CSV and JSON

ENTRIES = [
    entry(3, 1, rpm=770, sg={"sg/1": "red", "sg/2": "a,b"}),
    entry(2, 2, rpm=771.5),
    entry(1, 3, rpm=None, sg={"sg/1": "green"}, late=True),
]


def table(entries: list[StatusEntry], fill: bool = False) -> list[str]:
    out = io.StringIO()
    with closing(CsvTable(out, fill)) as writer:
        for e in entries:
            writer.add(e)
        writer.finish()
    return out.getvalue().splitlines()


def test_csv_has_a_row_an_entry_and_a_column_a_value():
    assert table(ENTRIES) == [
        "ts,seq,rpm,sg[sg/1],sg[sg/2],late",
        '2026-11-21T09:59:57.000Z,1,770,red,"a,b",',
        "2026-11-21T09:59:58.000Z,2,771.5,,,",
        "2026-11-21T09:59:59.000Z,3,null,green,,true",
    ]


def test_csv_can_repeat_what_has_not_changed():
    assert table(ENTRIES, fill=True)[2:] == [
        '2026-11-21T09:59:58.000Z,2,771.5,red,"a,b",',
        '2026-11-21T09:59:59.000Z,3,null,green,"a,b",true',
    ]


def test_csv_without_entries_has_its_heads():
    assert table([]) == ["ts,seq"]


def test_a_node_cannot_make_a_table_of_any_width():
    out = io.StringIO()
    with closing(CsvTable(out)) as writer:
        writer.add(StatusEntry(NOW, 1, {f"a{i}": i for i in range(20_000)}))
        writer.finish()
    assert writer.left_out == 20_000 - 16_384
    assert out.getvalue().splitlines()[0].count(",") == 16_384 + 1


def test_json_lines_have_what_the_entry_had():
    out = io.StringIO()
    writer = JsonLines(out)
    writer.add(StatusEntry(NOW, None, {"sg": {"sg/1": None}}, next_ts=NOW))
    writer.finish()
    at = "2026-11-21T10:00:00.000Z"
    assert json.loads(out.getvalue()) == {"ts": at, "seq": None, "values": {"sg": {"sg/1": None}}, "next_ts": at}


# ---- how far a fetch is


def test_the_share_is_of_the_time_that_was_asked_for():
    progress = FetchProgress(ago(100), NOW)
    assert progress.share == 0
    progress.add(HistoryPage((entry(75, 1), entry(50, 2)), False, False, False))
    assert progress.share == pytest.approx(0.5)
    assert progress.text() == "2 entries, up to 2026-11-21 09:59:10Z"


def test_without_a_beginning_it_is_of_what_the_node_has():
    progress = FetchProgress(None, NOW)
    progress.add(HistoryPage((entry(40, 1), entry(30, 2)), True, False, False))
    progress.add(HistoryPage((), False, True, True))
    assert progress.share == pytest.approx(0.25)


# ---- values, times, arguments


def test_values_have_paths():
    assert dict(flatten({"a": 1, "b": {"c/1": {"d": 2}, "e": {}}})) == {"a": 1, "b[c/1][d]": 2, "b[e]": {}}


@pytest.mark.parametrize(
    ("value", "text"), [(51.0, "51"), (0.1, "0.1"), (None, "null"), (True, "true"), ("x", "x"), ([1, "a"], '[1, "a"]')]
)
def test_a_value_is_text_or_json(value, text):
    assert format_value(value) == text


def test_a_summary_is_cut_where_it_grows_long():
    assert summarize({"a": "x" * 100, "b": 1, "c": 2}, most=2) == f"a={'x' * 39}… b=1 …"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T09:00:00Z", ago(3600)),
        ("2026-11-21T11:00:00+01:00", NOW),
        ("1h", ago(3600)),
        ("-15min", ago(900)),
        ("now", NOW),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago(text, moment):
    assert read_time(text, NOW, "--from") == moment


@pytest.mark.parametrize("text", ["soon", "", "2026-13-01", "--1h"])
def test_what_is_no_moment_is_refused_with_what_would_be(text):
    with pytest.raises(click.BadParameter, match="expected a time as"):
        read_time(text, NOW, "--from")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.9, "9.9 s"),
        (12.3, "12 s"),
        (300, "5 min"),
        (7300, "2 h"),
        (864000, "10 d"),
        (5169 * 86400, "14 y"),
        (-3, "-3.0 s"),
    ],
)
def test_an_age_is_short(seconds, text):
    assert format_age(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00:00.0"), (53.64, "0:00:53.6"), (60, "0:01:00"), (3661.9, "1:01:01"), (158_400, "44:00:00")],
)
def test_what_lasts_is_in_hours_minutes_and_seconds(seconds, text):
    assert format_elapsed(round(seconds * 1e9)) == text


def test_a_time_that_cannot_be_written_is_left_out():
    assert format_time(Ns(1 << 70)) == ""


@pytest.mark.parametrize("text", ["", "a b", "#", "a/#", "$SYS", "a/+x"])
def test_what_is_no_pattern_of_nodes_is_refused(text):
    with pytest.raises(click.BadParameter):
        read_patterns([text])


def test_a_node_is_no_pattern():
    assert read_patterns(["dk/cph/+", "dk/cph/+", "45fe"]) == ("dk/cph/+", "45fe")
    with pytest.raises(click.BadParameter):
        read_node("dk/+")


def test_a_line_of_json_is_read_back_as_it_was():
    value = {"a": f"{HOSTILE}\u2028\U000e0001é"}
    assert json_line(value).isprintable()
    assert json.loads(json_line(value)) == value


def test_the_reason_of_a_node_is_one_line_that_no_terminal_obeys(monkeypatch, capsys):
    def refuse(**_: object) -> None:
        raise CommandError(HOSTILE)

    monkeypatch.setattr("rta.cli.cli", refuse)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].isprintable()


# ---- clocks that are wrong

YEAR = 365.25 * 86400


def received(*seconds: float, name: str = "live") -> StatusReceived:
    """Entries of so many seconds ago."""
    return StatusReceived("dk/tlc", "car.run", name, tuple(entry(s, 1) for s in seconds), False)


def test_an_entry_of_a_wrong_clock_is_told_once_for_each_stream_and_counted():
    clocks = WrongClocks()
    assert clocks.handle(received(0.4, 14 * YEAR, -86_000), NOW) is None
    old = clocks.handle(received(0.4, 56 * YEAR), NOW)
    assert old == f"dk/tlc car.run/live: an entry of {format_time(ago(56 * YEAR))}, 56 y behind our clock"
    assert clocks.handle(received(56 * YEAR, 57 * YEAR), NOW) is None
    new = clocks.handle(received(-14 * YEAR, name=""), NOW)
    assert new == f"dk/tlc car.run: an entry of {format_time(ago(-14 * YEAR))}, 14 y ahead of our clock"
    assert (clocks.total, clocks.last) == (4, new)


def test_events_without_entries_have_no_clock():
    clocks = WrongClocks()
    assert clocks.handle(PresenceChanged("dk/tlc", "online", ago(56 * YEAR), False), NOW) is None
    assert clocks.total == 0
