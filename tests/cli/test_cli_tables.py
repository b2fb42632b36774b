"""Lists and tables on terminals of any size: nothing that is copied is broken, and names stay different."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from rta.cli.keyboard import read_keys
from rta.cli.paging import Pager
from rta.cli.records import fold, lay_out
from rta.cli.shortening import cut_middle, shorten
from rta.cli.table import TableColumn, cut_ends, draw
from rta.cli.text import outline

UUID = "7d7c0b48-28c2-4951-87c3-05f2b3f41a16"
HEADS = ("identity", "identifier", "state", "covers")
SESSIONS = [
    [Text(text) for text in row]
    for row in ((UUID, "WRX drive", "open", "0:00:53"), ("b", "The other long drive", "closed", "44:00:00"))
]


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


# ---- lists


def test_in_a_pipe_a_record_is_a_line_whatever_its_length():
    assert plain(lay_out(HEADS, SESSIONS, None)) == [
        "identity                              identifier            state   covers",
        f"{UUID}  WRX drive             open    0:00:53",
        "b                                     The other long drive  closed  44:00:00",
    ]


def test_where_a_table_is_too_wide_what_a_record_is_stands_above_the_rest():
    assert plain(lay_out(HEADS, SESSIONS, 50)) == [
        "identity",
        "  identifier            state   covers",
        UUID,
        "  WRX drive             open    0:00:53",
        "b",
        "  The other long drive  closed  44:00:00",
    ]


def test_where_that_is_too_wide_too_each_value_says_what_it_is():
    assert plain(lay_out(HEADS, SESSIONS, 36)) == [
        UUID,
        "  identifier WRX drive  state open",
        "  covers 0:00:53",
        "b",
        "  identifier The other long drive",
        "  state closed  covers 44:00:00",
    ]


@pytest.mark.parametrize("width", [*range(1, 90), None])
def test_no_width_breaks_or_cuts_a_value(width):
    lines = plain(lay_out(HEADS, SESSIONS, width))
    for row in SESSIONS:
        for text in row:
            assert any(text.plain in line for line in lines)


def test_numbers_stand_to_the_right():
    rows = [[Text("a"), Text("1.0/s")], [Text("b"), Text("100.0/s")]]
    assert plain(lay_out(("x", "rate"), rows, 80, right=("rate",))) == ["x     rate", "a    1.0/s", "b  100.0/s"]


def test_prose_is_broken_at_blanks_only_and_not_within_code():
    text = f"Set it with `redis-cli CONFIG SET maxmemory 0`, or ask for {UUID}."
    assert fold(text, 30) == ["Set it with", "`redis-cli CONFIG SET maxmemory 0`,", "or ask for", f"{UUID}."]
    assert fold(text, None) == [text]


def test_a_list_of_maps_is_a_block_for_each():
    values = {"streams": [{"code": "a.b", "prune": {"grace": "1min"}}, {"code": "c"}], "next": 2, "ids": [1, 2]}
    assert list(outline(values)) == [
        "streams[1]:",
        "  code = a.b",
        "  prune[grace] = 1min",
        "streams[2]:",
        "  code = c",
        "next = 2",
        "ids = [1, 2]",
    ]


# ---- names

SENSORS = tuple(f"Engine_Cylinder_{n // 10}_Combustion_Pressure_Sensor_{n % 10}_Filtered:csv" for n in range(60))


def test_a_name_is_cut_in_the_middle():
    assert cut_middle("vehicles_per_hour", 9) == "vehi…hour"
    assert cut_middle("vehicles", 8) == "vehicles"


def test_names_that_would_look_the_same_keep_what_tells_them_apart():
    assert shorten(SENSORS, 26)[:2] == ("…_Cylinder_0_…Sensor_0_…", "…_Cylinder_0_…Sensor_1_…")


@pytest.mark.parametrize(
    "names",
    [
        SENSORS,
        (*SENSORS, "Speed:csv", "RPM:csv"),
        tuple("a" * 30 + letter + "b" * 30 for letter in "XYZ"),
        tuple("a" * n for n in range(30, 60)),
        ("日本語" * 20, "日本語" * 20 + "x", "日本" * 30),
        (*("x " * n for n in range(20, 40)), "…#1"),
    ],
    ids=range(6),
)
@pytest.mark.parametrize("width", [8, 13, 20, 26, 39, 70])
def test_different_names_never_show_the_same_text_and_have_room(names, width):
    short = shorten(names, width)
    assert len(set(short)) == len(names)
    assert max(map(cell_len, short)) <= width


def test_equal_names_stay_equal():
    assert shorten(("live" * 10, "live" * 10, "dead"), 12) == ("liveli…elive", "liveli…elive", "dead")


# ---- tables


def table() -> list[TableColumn]:
    return [
        TableColumn("name", [Text(text) for text in SENSORS], cut=shorten, least=20),
        TableColumn("value", [Text(str(n * 1000)) for n in range(60)], right=True),
        TableColumn("values", [Text("x" * 200) for _ in range(60)], cut=cut_ends, least=10, leaves=1),
    ]


@pytest.mark.parametrize("width", [12, 20, 33, 40, 80, 120, 400])
def test_no_row_is_wider_than_the_terminal(width):
    lines = draw(table(), width, slice(10, 20))
    assert len(lines) == 11
    assert max(line.cell_len for line in lines) <= width
    assert "19000" in lines[-1].plain


def test_what_matters_least_is_left_out_first():
    assert draw(table(), 40, slice(0, 1))[0].plain.split() == ["name", "value", "values"]
    assert draw(table(), 36, slice(0, 1))[0].plain.split() == ["name", "value"]


def test_without_a_terminal_nothing_is_cut():
    assert draw(table())[1].plain.split() == [SENSORS[0], "0", "x" * 200]


# ---- pages


def test_a_page_is_what_has_room_and_says_of_how_many():
    pager = Pager("keys")
    assert (pager.page(60, 21), pager.text) == (slice(0, 21), "rows 1-21 of 60  keys")
    assert (pager.page(5, 21), pager.text) == (slice(0, 21), "rows 1-5 of 5")


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        (["page down"], "21-40"),
        (["page down"] * 9, "41-60"),
        (["down", "down", "up"], "2-21"),
        (["up"], "1-20"),
        (["end"], "41-60"),
        (["end", "page up"], "21-40"),
        (["end", "home"], "1-20"),
        (["quit"], "1-20"),
    ],
)
def test_keys_turn_the_pages_and_stay_within_the_table(keys, rows):
    pager = Pager()
    pager.page(60, 20)
    for key in keys:
        pager.handle(key)
    pager.page(60, 20)
    assert pager.text == f"rows {rows} of 60"


def test_pages_that_turn_by_themselves_begin_again_behind_the_last():
    pager, seen = Pager(), []
    for _ in range(4):
        pager.page(50, 20)
        seen.append(pager.text)
        pager.turn()
    assert seen == ["rows 1-20 of 50", "rows 21-40 of 50", "rows 31-50 of 50", "rows 1-20 of 50"]


def test_a_page_stays_within_a_table_that_has_become_smaller():
    pager = Pager()
    pager.page(60, 20)
    pager.handle("end")
    assert (pager.page(30, 20), pager.text) == (slice(10, 30), "rows 11-30 of 30")


def test_keys_are_read_from_what_terminals_send():
    sent = b"\x1b[A\x1bOBjk\x1b[5~\x1b[6~ \x1b[1~\x1b[HgG\x1b[F\x1b[99~ABx\x1b[1;5Aq"
    assert list(read_keys(sent)) == [
        "up", "down", "down", "up", "page up", "page down", "page down", "home", "home", "home", "end", "end", "quit",
    ]  # fmt: skip
