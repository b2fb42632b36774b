"""What the soak judges by: the ledger between a node and its broker, and the plan of faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import pairwise

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rta_transports.mqtt.packets import packed_string, publish_packet

from scripts.soaking.judge import Judge, wrong_in_picture
from scripts.soaking.ledger import Ledger
from scripts.soaking.numbers import Numbers
from scripts.soaking.packets import PUBLISH, Packets, read_publish
from scripts.soaking.plan import LANES, drawn
from scripts.soaking.sites import Streams

ENTRY = {"ts": "2026-05-04T11:50:55.000Z", "seq": 7, "values": {"n": 1}}


def status(mid: int, *entries: dict[str, object], kind: str = "status", **flags: bool) -> bytes:
    payload = cbor2.dumps({"entries": list(entries), **flags})
    return publish_packet(packed_string(f"a/{kind}/x/y".encode()), payload, mid=mid)


def puback(mid: int, reason: int = 0) -> bytes:
    return b"\x40\x03" + mid.to_bytes(2, "big") + bytes((reason,))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("a", frozenset({"x/y"}))


def delivered(ledger: Ledger) -> int:
    return len(ledger.acknowledged["x/y"])


def test_an_entry_is_delivered_once_the_broker_has_acknowledged_it(ledger):
    connection = ledger.listen()
    connection.sent(status(1, ENTRY))
    assert (len(ledger.published["x/y"]), delivered(ledger)) == (1, 0)
    connection.came(puback(1))
    assert delivered(ledger) == 1


@pytest.mark.parametrize("answer", [puback(2), puback(1, reason=0x97)])
def test_another_message_s_acknowledgement_or_a_refusal_delivers_nothing(ledger, answer):
    connection = ledger.listen()
    connection.sent(status(1, ENTRY))
    connection.came(answer)
    assert delivered(ledger) == 0


def test_an_acknowledgement_on_another_connection_delivers_nothing(ledger):
    ledger.listen().sent(status(1, ENTRY))
    ledger.listen().came(puback(1))
    assert delivered(ledger) == 0


def test_an_entry_with_other_values_is_another_entry(ledger):
    connection = ledger.listen()
    connection.sent(status(1, ENTRY) + status(2, {**ENTRY, "values": {"n": 2}}) + status(3, ENTRY, kind="replay"))
    assert len(ledger.published["x/y"]) == 2
    assert ledger.again == 1


def test_who_waits_for_a_replay_is_told_of_the_message_and_of_its_acknowledgement(ledger):
    told: list[bool] = []
    ledger.on_replay = told.append
    connection = ledger.listen()
    connection.sent(status(1, ENTRY) + status(2, ENTRY, kind="replay") + status(3, kind="replay", done=True))
    connection.came(puback(1) + puback(2) + puback(3))
    assert told == [False, True]
    assert ledger.done == {"x/y"}


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.data())
def test_packets_may_come_in_any_pieces(sizes, data):
    payloads = [bytes(size) for size in sizes]
    whole = b"".join(publish_packet(packed_string(b"t"), p, mid=i + 1) for i, p in enumerate(payloads))
    packets, found = Packets(), []
    while whole:
        piece = data.draw(st.integers(1, len(whole)))
        found += [read_publish(*packet) for packet in packets.feed(whole[:piece]) if packet[0] >> 4 == PUBLISH]
        whole = whole[piece:]
    assert [(m.payload, m.mid) for m in found] == [(p, i + 1) for i, p in enumerate(payloads)]


def test_numbers_that_have_not_come_are_missing():
    numbers = Numbers()
    assert [numbers.add(n) for n in (0, 3, 3, 5000)] == [1, 1, 2, 1]
    assert numbers.missing(5) == [1, 2, 4]
    assert numbers.different == 3


@pytest.mark.parametrize("lane", LANES)
class TestPlan:
    def test_the_same_seed_gives_the_same_faults(self, lane):
        assert drawn(1, lane, 600, 8, 10) == drawn(1, lane, 600, 8, 10) != drawn(2, lane, 600, 8, 10)

    @pytest.mark.parametrize("kills", [0, 100])
    def test_faults_do_not_overlap_and_every_kind_happens(self, lane, kills):
        faults = drawn(3, lane, 1800, 8, kills)
        assert all(a.at + a.lasting < b.at for a, b in pairwise(faults))
        assert faults[-1].at + faults[-1].lasting < 1800
        counts = Counter(f.kind for f in faults)
        assert counts.keys() == LANES[lane].keys()
        assert not kills or [counts[k] for k in counts if k.endswith("killed")] == [100]

    def test_there_is_a_way_to_leave_a_fault_out(self, lane):
        kind = next(iter(LANES[lane]))
        assert kind not in {f.kind for f in drawn(1, lane, 600, 8, 0, (kind,))}


def test_processes_of_ours_live_on_towards_the_end():
    faults = drawn(1, "node", 1800, 8, 100)
    last = max(f.at for f in faults if f.kind in ("node killed", "node stopped"))
    assert last < 0.9 * 1800
    assert sum(f.at > last for f in faults) > 5


class TestJudging:
    def judge(self, ledger: Ledger, *fetched: dict[str, object], due: Collection[int] = ()) -> list[str]:
        judge = Judge(ledger, set(), due)
        judge.take("x/y", "n", [ENTRY], list(fetched or [ENTRY]), ledger.published["x/y"])
        return judge.wrong

    @pytest.fixture
    def connection(self, ledger):
        connection = ledger.listen()
        connection.sent(status(1, ENTRY))
        return connection

    def test_nothing_is_wrong_if_all_that_was_committed_was_delivered_and_can_be_fetched(self, ledger, connection):
        connection.came(puback(1))
        assert self.judge(ledger, due=[1]) == []

    def test_what_was_committed_and_not_acknowledged_is_lost(self, ledger, connection):
        assert self.judge(ledger) == ["x/y: 1 entries were committed and never delivered: seq [7]"]

    def test_what_was_published_must_have_been_committed(self, ledger, connection):
        connection.sent(status(2, {**ENTRY, "seq": 8}))
        connection.came(puback(1) + puback(2))
        assert self.judge(ledger) == ["x/y: 1 entries were published without having been committed"]

    def test_what_the_plant_did_must_have_been_recorded(self, ledger, connection):
        connection.came(puback(1))
        assert self.judge(ledger, due=[1, 2]) == ["x/y: 1 changes were not recorded: [2]"]

    @pytest.mark.parametrize("before", [True, False])
    def test_a_fetch_may_lack_only_what_was_published_later(self, ledger, connection, before):
        connection.came(puback(1))
        judge = Judge(ledger, set(), ())
        judge.take("x/y", "n", [ENTRY], [], ledger.published["x/y"] if before else set())
        assert judge.wrong == (["x/y: a fetch gave 0 entries, not the 1 that there are"] if before else [])

    def test_a_fetch_must_give_what_there_is(self, ledger, connection):
        connection.came(puback(1))
        assert self.judge(ledger, ENTRY, ENTRY) == ["x/y: a fetch gave 2 entries, not the 1 that there are"]

    def test_a_picture_with_too_little_too_much_or_another_number_is_wrong(self):
        right = {
            "presence": "online",
            "channel/soak.kept/k0": {"state": "running"},
            "status/soak.kept/k0": {"entries": [{"values": {"a0": 5}}]},
        }
        streams = Streams(1, 0)
        assert wrong_in_picture(right, streams, 5) == []
        assert len(wrong_in_picture(right, streams, 6)) == 1
        assert (
            len(wrong_in_picture({**right, "presence": "offline", "status/x": {"entries": [ENTRY]}}, streams, 5)) == 2
        )
        assert len(wrong_in_picture({}, streams, 5)) == 3
