"""What other nodes send, as it is read: liberal, and never a surprise."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rta.consumer.events import AlarmEntry, StatusEntry
from rta.consumer.reading import (
    CommandError,
    read_alarms,
    read_entries,
    read_page,
    read_replay,
    read_result,
    read_state,
)
from rta.errors import MalformedError
from rta.rsmp.presence import read_presence
from rta.wire.values import Ns

TIME = "2026-11-21T10:17:11.123Z"
TS = Ns(1_795_256_231_123_000_000)
NOW = Ns(7)


class Faults(list[tuple[str, str]]):
    def __call__(self, kind: str, detail: str) -> None:
        self.append((kind, detail))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self]


def test_entries_have_a_time_a_number_and_values():
    payload = cbor2.dumps({"entries": [{"ts": TIME, "values": {"rpm": 800, "oil": None}, "seq": 3}]})
    assert read_entries(payload, Faults()) == [StatusEntry(TS, 3, {"rpm": 800, "oil": None})]


def test_a_malformed_entry_is_left_out_alone():
    good = {"ts": TIME, "values": {}, "seq": 1}
    entries = [5, {"ts": "soon", "values": {}}, good, {"ts": TIME}, {"ts": TIME, "values": [1]}, {"values": {}}]
    faults = Faults()
    assert read_entries(cbor2.dumps({"entries": entries}), faults) == [StatusEntry(TS, 1, {})]
    assert faults.kinds == ["type", "time", "type", "type", "time"]


@pytest.mark.parametrize(
    ("seq", "read"),
    [(0, 0), (7.0, 7), (7.5, None), ("7", None), (True, None), (-1, None), (None, None), (2**63, None), ([], None)],
)
def test_a_number_is_a_number_or_none(seq, read):
    payload = cbor2.dumps({"entries": [{"ts": TIME, "values": {}, "seq": seq}]})
    assert [e.seq for e in read_entries(payload, Faults())] == [read]


@pytest.mark.parametrize("message", [{}, {"entries": None}, {"entries": {"ts": TIME}}, {"entries": "x"}])
def test_a_message_without_entries_has_none(message):
    faults = Faults()
    assert read_entries(cbor2.dumps(message), faults) == []
    assert faults.kinds == ["type"]


def test_unknown_keys_say_nothing():
    message = {"entries": [{"ts": TIME, "values": {}, "seq": 1, "mood": "good"}], "colour": "red"}
    assert read_entries(cbor2.dumps(message), Faults()) == [StatusEntry(TS, 1, {})]


def test_a_replay_says_whether_it_is_done_and_began_at_the_beginning():
    message = {"entries": [{"ts": TIME, "next_ts": TIME, "values": {}, "seq": 1}], "done": True, "beginning": True}
    assert read_replay(cbor2.dumps(message), Faults()) == ([StatusEntry(TS, 1, {}, TS)], True, True)
    assert read_replay(cbor2.dumps({"entries": []}), Faults()) == ([], False, False)


@pytest.mark.parametrize("next_ts", [None, "later", 5])
def test_a_next_time_that_is_none_is_unknown(next_ts):
    message = {"entries": [{"ts": TIME, "next_ts": next_ts, "values": {}, "seq": 1}]}
    assert read_replay(cbor2.dumps(message), Faults())[0] == [StatusEntry(TS, 1, {})]


def test_a_page_without_entries_may_still_be_the_last():
    page = read_page(cbor2.dumps({"complete": True, "end": True}), Faults())
    assert (page.entries, page.complete, page.end, page.beginning) == ((), True, True, False)


def test_states():
    assert read_state(cbor2.dumps({"state": "running"})) == "running"
    assert read_state(cbor2.dumps({"state": "stopped"})) == "stopped"
    assert read_state(b"") is None


@pytest.mark.parametrize("state", [{}, {"state": 1}, {"state": "on"}, {"state": ["running"]}, "running", 5])
def test_another_state_is_refused(state):
    with pytest.raises(MalformedError):
        read_state(cbor2.dumps(state))


def test_results():
    assert read_result(cbor2.dumps({"status": "ok", "values": {"a": 1}})) == {"a": 1}
    assert read_result(cbor2.dumps({"status": "ok"})) == {}
    assert read_result(cbor2.dumps({"level": 3})) == {"level": 3}
    with pytest.raises(CommandError) as e:
        read_result(cbor2.dumps({"status": "error", "reason": "delta: no", "values": {"field": "delta"}}))
    assert (e.value.reason, e.value.field) == ("delta: no", "delta")
    with pytest.raises(CommandError):
        read_result(cbor2.dumps({"status": "error", "reason": 5, "values": 5}))


def test_alarms():
    entries = [{"ts": TIME, "component": "sg/1", "active": True, "values": {"t": 1}}, {"ts": TIME, "active": False}]
    assert read_alarms(cbor2.dumps({"entries": entries}), NOW, Faults()) == (
        [AlarmEntry(TS, "sg/1", True, {"t": 1}), AlarmEntry(TS, None, False, {})],
        False,
    )


def test_in_a_full_update_all_are_active():
    payload = cbor2.dumps({"entries": [{"ts": TIME}], "full": True})
    assert read_alarms(payload, NOW, Faults()) == ([AlarmEntry(TS, None, True, {})], True)


@pytest.mark.parametrize(
    ("said", "active"),
    [
        ({"aSp": "Issue", "aSt": "active"}, True),
        ({"aSp": "Issue", "aSt": "inActive"}, False),
        ({"aSp": "Issue", "aSt": "Inactive"}, False),
        ({"aSp": "Acknowledge", "aSt": "Active"}, True),
        ({"aSp": "Issue", "aS": "Active"}, True),
        ({"aSp": "Issue"}, True),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_older_form_becomes_the_nearest_of_ours(said, active, wrapped):
    older = {**said, "aTs": TIME, "cId": "sg/1", "rvs": [{"n": "t", "v": 5}, 3]}
    found, full = read_alarms(cbor2.dumps({"entries": [older]} if wrapped else older), NOW, Faults())
    assert (found, full) == ([AlarmEntry(TS, "sg/1", active, {"aSp": said["aSp"], "t": 5})], False)


def test_an_alarm_without_a_time_is_of_now():
    payload = cbor2.dumps({"entries": [{"active": True, "ts": "soon"}, {"aSp": "Issue", "aSt": "active"}]})
    assert [e.ts for e in read_alarms(payload, NOW, Faults())[0]] == [NOW, NOW]


@pytest.mark.parametrize("entry", [5, {"ts": TIME}, {"active": 1}, {"aSp": "Suspend"}, {"aSt": 5}, {"aSt": "maybe"}])
def test_an_alarm_that_says_nothing_is_left_out(entry):
    faults = Faults()
    good = {"ts": TIME, "active": True}
    assert len(read_alarms(cbor2.dumps({"entries": [entry, good]}), NOW, faults)[0]) == 1
    assert faults.kinds == ["type"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(TIME),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["entries", "ts", "values", "seq", "next_ts", "active", "full", "aSt", "aSp", "aTs", "rvs", "n", "v",
                 "component", "cId", "status", "state", "reason", "field", "complete", "a"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(JSON.map(cbor2.dumps) | st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused_as_malformed(payload):
    faults = Faults()
    for attempt in (
        lambda: read_entries(payload, faults),
        lambda: read_replay(payload, faults),
        lambda: read_page(payload, faults),
        lambda: read_alarms(payload, NOW, faults),
        lambda: read_state(payload),
        lambda: read_presence(payload),
        lambda: read_result(payload),
    ):
        try:
            attempt()
        except (MalformedError, CommandError):
            pass
