"""What `rta tail` draws, in terminals of any size."""

from __future__ import annotations

import pytest

from rta.cli.tail_screen import NOTHING_SENT, TailScreen
from rta.client import Decoder
from rta.wire import (
    Application,
    Channel,
    ChannelId,
    ConfigBinding,
    Configuration,
    Event,
    Parameter,
    SampleType,
    SessionModel,
    SessionState,
    TimeRange,
    data_item,
    encode_row,
    make_burst,
)
from rta.wire.burst import range_item

URL = "http://127.0.0.1:8180"
IDENTITY = "7d7c0b48-28c2-4951-87c3-05f2b3f41a16"
HOUR = 3600 * 1_000_000_000
SIZES = [(80, 24), (120, 40), (40, 10)]


def named(n: int) -> str:
    return f"Engine_Cylinder_{n // 10}_Combustion_Pressure_Sensor_{n % 10}_Filtered"


def session(screen: TailScreen, count: int, identity: str = IDENTITY) -> None:
    """A session of 44 hours, with so many parameters that have a value."""
    screen.session(SessionModel(identity, SessionState.OPEN, identifier="Bench run"))
    parameters = [Parameter(f"{named(n)}:csv", named(n), channels=[n + 1], unit="bar") for n in range(count)]
    channels = [Channel(n + 1) for n in range(count)]
    decoder = Decoder()
    decoder.add(Configuration({"csv": Application(parameters=parameters, channels=channels)}), ConfigBinding("c", 0))
    ids = [ChannelId(n + 1) for n in range(count)]
    row = encode_row(ids, 44 * HOUR, [n / 2 for n in range(count)], dict.fromkeys(ids, SampleType.F64))
    screen.burst(make_burst([range_item(TimeRange(0, 44 * HOUR)), data_item(row)]), decoder)


def drawn(screen: TailScreen, width: int | None, height: int | None) -> list[str]:
    return [text.plain for text in screen.draw(width, height).renderables]


@pytest.fixture
def screen() -> TailScreen:
    return TailScreen(URL, lambda: 0.0)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_it_fits_and_has_the_session_the_connection_and_the_count(screen, width, height):
    session(screen, 60)
    lines = drawn(screen, width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for part in ("Bench run", "open", IDENTITY, "44:00:00", f"connected to {URL}"):
        assert part in text
    shown = int(lines[-1].partition("-")[2].split()[0])
    assert lines[-1].startswith(f"rows 1-{shown} of 60")
    assert shown >= 5
    rows = lines[-1 - shown : -1]
    assert len({row.split()[0] for row in rows}) == shown


@pytest.mark.parametrize(("width", "height"), [*SIZES, (80, 12)])
def test_it_always_says_how_it_is_connected(screen, width, height):
    def link() -> str:
        lines = drawn(screen, width, height)
        assert len(lines) <= height
        return "\n".join(lines)

    assert f"connecting to {URL}" in link()
    assert "nothing has come yet" in link()
    session(screen, 60)
    screen.lost(f"{URL} cannot be reached: [Errno 111] Connection refused")
    assert "no connection, trying again: " in link()
    screen.notice("the session is closed")
    assert "the session is closed" in link()


def test_another_session_begins_anew(screen):
    session(screen, 60)
    session(screen, 2, "another")
    text = "\n".join(drawn(screen, 80, 24))
    assert "rows 1-2 of 2" in text
    assert "another" in text


def test_times_are_dates_and_hours(screen):
    session(screen, 1)
    assert drawn(screen, 120, 40)[0].startswith("Bench run  open  44:00:00  to 1970-01-02 20:00:00Z")


def test_a_session_with_more_than_is_sent_says_so(screen):
    said = "sent from 1970-01-02 20:00:00Z on; the session began 1970-01-01 00:00:00Z"
    session(screen, 1)
    assert said in "  ".join(drawn(screen, 120, 40))
    screen.burst(make_burst([data_item(Event(timestamp=1_500_000_000))]), Decoder())
    assert "the session began" not in "  ".join(drawn(screen, 120, 40))


def test_where_some_parameters_are_followed_they_may_begin_later():
    screen = TailScreen(URL, lambda: 0.0, whole=False)
    session(screen, 1)
    assert "the session began" not in "  ".join(drawn(screen, 120, 40))


def test_in_a_pipe_nothing_is_cut(screen):
    session(screen, 60)
    head, heads, *rows, count = drawn(screen, None, None)
    assert IDENTITY in head
    assert heads.split() == ["parameter", "value", "unit", "rate", "course"]
    assert [row.split()[0] for row in rows] == [f"{named(n)}:csv" for n in range(60)]
    assert count == "rows 1-60 of 60"


def test_what_the_recording_calls_a_parameter_stands_beside_its_id_where_that_is_another_word(screen):
    screen.session(SessionModel("s"))
    decoder = Decoder()
    parameters = [
        Parameter("ltemp:csv", "Öltemp", channels=[1]),
        Parameter("Oil_Press:csv", "Oil Press", channels=[2]),
    ]
    configuration = Configuration({"csv": Application(parameters=parameters, channels=[Channel(1), Channel(2)])})
    decoder.add(configuration, ConfigBinding("c", 0))
    ids = [ChannelId(1), ChannelId(2)]
    row = encode_row(ids, 0, [1, 2], dict.fromkeys(ids, SampleType.F64))
    screen.burst(make_burst([data_item(row)]), decoder)
    _, heads, oil, press, _ = drawn(screen, 120, 24)
    assert heads.split()[:3] == ["parameter", "name", "value"]
    assert oil.split()[:3] == ["ltemp:csv", "Öltemp", "1"]
    assert press.split()[:2] == ["Oil_Press:csv", "2"]


def test_a_session_of_which_nothing_was_sent_says_so_at_its_end(screen):
    screen.session(SessionModel(IDENTITY, SessionState.CLOSED))
    screen.burst(make_burst([range_item(TimeRange(0, HOUR))]), Decoder())
    assert drawn(screen, None, None)[-1] == "nothing has come yet"
    screen.end()
    assert drawn(screen, None, None)[-1] == NOTHING_SENT


def test_at_the_end_of_a_session_that_was_sent_there_is_nothing_to_say(screen):
    session(screen, 1)
    screen.end()
    assert NOTHING_SENT not in drawn(screen, None, None)
