"""What is read of a presence, and when our own is said again."""

from __future__ import annotations

import cbor2
import pytest

from rta.errors import MalformedError
from rta.rsmp.presence import ONLINE, PresenceKeeper, read_presence


def test_a_presence_is_a_word_an_empty_one_is_cleared_and_a_long_one_is_cut():
    assert read_presence(cbor2.dumps("online")) == "online"
    assert read_presence(b"") is read_presence(cbor2.dumps(None)) is None
    assert len(read_presence(cbor2.dumps("x" * 1000)) or "") == 32


def test_a_presence_that_is_not_text_is_malformed():
    with pytest.raises(MalformedError, match="a presence that is a dict"):
        read_presence(cbor2.dumps({"presence": "online"}))


@pytest.mark.parametrize("said", ["offline", "shutdown", None])
def test_whatever_contradicts_us_is_corrected_once(said):
    keeper = PresenceKeeper()
    keeper.handle(said, retained=False)
    assert keeper.correct(100.0)
    assert keeper.due() is None
    assert not keeper.correct(200.0)


@pytest.mark.parametrize(("said", "retained"), [(ONLINE, False), ("offline", True), (None, True)])
def test_our_own_word_and_retained_ones_need_no_correction(said, retained):
    keeper = PresenceKeeper()
    keeper.handle(said, retained)
    assert keeper.due() is None


def test_corrections_are_ten_seconds_apart_and_none_is_forgotten():
    keeper = PresenceKeeper()
    keeper.handle("offline", retained=False)
    assert keeper.correct(100.0)
    keeper.handle("offline", retained=False)
    assert not keeper.correct(109.9)
    assert keeper.due() == 110.0
    assert keeper.correct(110.0)


def test_a_new_connection_has_said_it():
    keeper = PresenceKeeper()
    keeper.handle("offline", retained=False)
    keeper.connected()
    assert not keeper.correct(100.0)
