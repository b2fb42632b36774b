"""When samples go out, with which timestamps, in which items and sessions."""

from __future__ import annotations

import itertools

import pytest
from csv_replay import NOW, SECOND, play

from rta.ports import CloseSession, OpenSession, Publish, SessionBurst
from rta.wire import SampleType, SessionState, TimeRange

STEPS = "t,a\n10,1\n10.05,2\n10.1,3\n10.1001,4\n10.2,5\n11,6\n"
STEP_TIMES = [NOW + ns for ns in (0, 50_000_000, 100_000_000, 100_100_000, 200_000_000, SECOND)]


def spans(played):
    return [(data.start_time - NOW, data.end_time - NOW) for *_, kind, data in played.items() if kind == "time_range"]


class TestPacing:
    def test_timestamps_count_from_the_moment_of_the_start(self):
        assert play(STEPS).timestamps() == STEP_TIMES

    def test_samples_go_out_at_the_end_of_their_tick(self):
        assert play(STEPS).deliveries() == [0, 0.1, 0.1, 0.2, 0.2, 1]

    def test_the_tick_is_a_setting(self):
        assert play(STEPS, burst_interval=0.5).deliveries() == [0, 0.5, 0.5, 0.5, 0.5, 1]

    def test_speed_shortens_the_waiting_and_leaves_the_timestamps(self):
        played = play(STEPS, speed=2)
        assert played.deliveries() == [0, 0.1, 0.1, 0.1, 0.1, 0.5]
        assert played.timestamps() == STEP_TIMES

    def test_speed_below_one_is_slow_motion(self):
        assert play(STEPS, speed=0.1).deliveries() == [0, 0.5, 1, 1.1, 2, 10]

    def test_one_tick_is_one_burst(self):
        text = "t,a\n" + "".join(f"{i / 1000:.3f},{i}\n" for i in range(1, 3001))
        played = play(text)
        moments = [m for m, u in zip(played.moments, played.updates, strict=True) if isinstance(u, SessionBurst)]
        assert moments == pytest.approx([k / 10 for k in range(31)])
        assert played.values() == list(range(1, 3001))

    def test_a_tick_that_is_too_much_for_one_burst_is_several(self):
        text = "t,a\n" + "".join(f"{i / 1e6:.6f},{i}\n" for i in range(20_000))
        played = play(text)
        assert len(played.of(SessionBurst)) > 5
        assert max(u.burst.raw_size for u in played.of(SessionBurst)) < 80_000
        assert played.values() == list(range(20_000))
        assert set(played.deliveries()[1:]) == {0.1}

    def test_a_very_wide_row_is_sent_within_the_limits(self):
        width = 4_100
        text = ",".join(["t"] + ["a"] * width) + "\n" + ",".join(["0"] + ["1"] * width) + "\n"
        played = play(text, kind="row")
        assert len(played.samples()) == width
        assert [kind for *_, kind, _ in played.items()] == ["row_data"] * 2 + ["time_range"]
        assert max(u.burst.raw_size for u in played.of(SessionBurst)) < 1 << 17

    def test_each_burst_carries_the_time_range_so_far(self):
        assert spans(play(STEPS)) == [(0, 0), (0, 100_000_000), (0, 200_000_000), (0, SECOND)]


class TestTimes:
    @pytest.mark.parametrize(("unit", "step"), [("s", "1"), ("ms", "1000"), ("us", "1e6"), ("ns", "1000000000")])
    def test_a_second_is_a_second_in_every_unit(self, unit, step):
        played = play(f"t,a\n0,1\n{step},2\n", time_unit=unit)
        assert (played.timestamps(), played.deliveries()) == ([NOW, NOW + SECOND], [0, 1])

    def test_iso_times_are_played_like_others(self):
        played = play("t,a\n2021-05-04T11:50:55Z,1\n2021-05-04T13:50:56+02:00,2\n", time_unit="iso")
        assert (played.timestamps(), played.deliveries()) == ([NOW, NOW + SECOND], [0, 1])

    def test_the_files_own_times_are_kept(self):
        text = "t,a\n2021-05-04T11:50:55Z,1\n2021-05-04T11:50:56.5Z,2\n"
        played = play(text, time_unit="iso", origin="file", speed=3)
        first = 1_620_129_055 * SECOND
        assert (played.timestamps(), played.deliveries()) == ([first, first + 1_500_000_000], [0, 0.5])
        assert played.opened[0].timestamp == "2021-05-04T11:50:55+00:00"
        assert played.closed[0].end_timestamp == "2021-05-04T11:50:56.500000+00:00"

    def test_the_files_own_numbers_count_since_the_unix_epoch(self):
        played = play("t,a\n1620129055.000000001,1\n1620129056,2\n", origin="file")
        assert played.timestamps() == [1_620_129_055_000_000_001, 1_620_129_056_000_000_000]

    def test_local_times_run_on_when_the_clocks_are_set(self):
        text = "t,a\n2021-03-14T01:30,1\n2021-03-14T02:30,2\n2021-03-14T04:00,3\n"
        played = play(text, time_unit="iso", timezone="America/Chicago", speed=3600)
        assert played.deliveries() == [0, 1, 1.5]
        assert ([kind for kind, _ in played.notices], played.malformed) == (["skipped_time"], [])

    def test_an_ambiguous_local_time_is_the_first(self):
        text = "t,a\n2021-11-07T00:30,1\n2021-11-07T01:30,2\n2021-11-07T02:30,3\n"
        played = play(text, time_unit="iso", timezone="America/Chicago", speed=3600)
        assert played.deliveries() == [0, 1, 3]
        assert (played.values(), [kind for kind, _ in played.notices]) == ([1, 2, 3], ["ambiguous_time"])


class TestTimestamped:
    def test_a_channel_has_one_item_in_a_burst(self):
        played = play("t,a,b\n0.01,1,2\n0.02,3,\n0.05,4,5\n", types={"b": SampleType.S16})
        items = [d for _, m, kind, d in played.items() if kind == "timestamped_data" and m]
        assert [(d.channel_id, len(d.timestamp_deltas)) for d in items] == [(1, 2), (2, 1)]
        assert played.values(1) == [1, 3, 4]
        assert played.values(2) == [2, 5]


class TestRow:
    def test_a_row_is_one_item_of_the_channels_that_have_a_value(self):
        types = {"b": SampleType.U16, "c": SampleType.F32}
        played = play("t,a,b,c\n0,1.5,2,0.5\n0.05,,3,\n0.1,4,x,5\n", kind="row", types=types)
        rows = [(list(d.channel_ids), d.timestamp - NOW) for *_, kind, d in played.items() if kind == "row_data"]
        assert rows == [([1, 2, 3], 0), ([2], 50_000_000), ([1, 3], 100_000_000)]
        assert (played.values(1), played.values(2), played.values(3)) == ([1.5, 4], [2, 3], [0.5, 5])

    def test_samples_are_packed_as_the_protocol_has_it(self):
        types = {"b": SampleType.U16, "c": SampleType.F32}
        played = play("t,a,b,c\n0,12.7,234,0.7\n", kind="row", types=types)
        (row,) = [d for *_, kind, d in played.items() if kind == "row_data"]
        assert row.buffer.hex() == "6666666666662940" + "ea00" + "3333333f"


class TestPeriodic:
    def runs(self, text, **options):
        played = play(text, kind="periodic", burst_interval=100, **options)
        return [
            (data.channel_id, (data.start_timestamp - NOW) / SECOND, data.interval, data.samples)
            for _, _, kind, data in played.items()
            if kind == "periodic_data"
        ]

    def test_rows_at_the_interval_are_one_run(self):
        text = "t,a\n-1,0\n" + "".join(f"{i / 10},{i}\n" for i in range(1, 6))
        assert self.runs(text, interval=0.1) == [(1, 0, 100_000_000, 1), (1, 1.1, 100_000_000, 5)]

    def test_a_gap_begins_a_new_run(self):
        assert self.runs("t,a\n-9,0\n1,1\n2,2\n4,3\n5,4\n", interval=1)[1:] == [(1, 10, SECOND, 2), (1, 13, SECOND, 2)]

    def test_a_blank_cell_begins_a_new_run_of_its_channel_only(self):
        runs = self.runs("t,a,b\n-9,0,0\n1,1,1\n2,2,\n3,3,3\n", interval=1)[2:]
        assert runs == [(1, 10, SECOND, 3), (2, 10, SECOND, 1), (2, 12, SECOND, 1)]

    @pytest.mark.parametrize(("second", "count"), [(1.01, 1), (0.99, 1), (1.011, 2), (0.989, 2), (-1, 2), (0, 2)])
    def test_the_spacing_may_be_one_percent_off(self, second, count):
        assert len(self.runs(f"t,a\n-9,0\n0,1\n{second},2\n", interval=1)) == count + 1

    def test_small_errors_do_not_add_up(self):
        text = "t,a\n-9,0\n" + "".join(f"{i * 1.004},{i}\n" for i in range(10))
        assert [samples for *_, samples in self.runs(text, interval=1)] == [1, 3, 3, 3, 1]


class TestSession:
    def test_the_configuration_comes_first_and_the_close_last(self):
        kinds = [type(u) for u in play(STEPS).updates]
        assert kinds == [Publish, OpenSession, *[SessionBurst] * 4, CloseSession]

    def test_the_open_session_says_what_it_is(self):
        played = play(STEPS, details={"driver": "A. Smith", "laps": 3}, path="my drive.csv")
        (session,) = played.opened
        assert (session.identity, session.state, session.identifier) == ("session 1", SessionState.OPEN, "my drive")
        assert session.timestamp == "2023-11-14T22:13:20+00:00"
        assert session.details == {"driver": "A. Smith", "laps": 3}
        assert session.end_timestamp is None
        assert session.span == TimeRange(NOW, NOW)
        (binding,) = session.config_bindings
        assert (binding.identifier, binding.channel_offset) == (played.configuration.identifier(), 0)

    @pytest.mark.parametrize("options", [{"origin": "file"}, {"speed": 2}, {"origin": "file", "speed": 2}])
    def test_a_session_whose_time_is_not_the_time_of_day_says_so(self, options):
        (session,) = play(STEPS, details={"laps": 3}, burst_interval=0.5, **options).opened
        assert session.details == {"time": "kept", "speed": options.get("speed", 1), "delay": 0.5, "laps": 3}

    def test_details_that_are_set_are_not_overridden(self):
        (session,) = play(STEPS, origin="file", details={"time": "noon", "speed": 9}).opened
        assert session.details == {"time": "noon", "speed": 9, "delay": 0.1}

    def test_a_session_of_now_has_no_details_of_its_own(self):
        (session,) = play(STEPS).opened
        assert session.details is None

    def test_the_closed_session_says_what_it_covers(self):
        played = play(STEPS, identifier="Morning run")
        (session,) = played.closed
        assert (session.identity, session.state, session.identifier) == (
            "session 1",
            SessionState.CLOSED,
            "Morning run",
        )
        assert session.span == TimeRange(NOW, NOW + SECOND)
        assert session.end_timestamp == "2023-11-14T22:13:21+00:00"
        assert session.config_bindings == played.opened[0].config_bindings

    def test_the_identity_can_be_set(self):
        assert [u.identity for u in play(STEPS, identity="one").of(OpenSession)] == ["one"]


class TestLoop:
    def test_each_round_is_a_session_of_its_own(self):
        played = play(STEPS, rounds=3, loop=True)
        assert [s.identity for s in played.opened] == ["session 1", "session 2", "session 3"]
        assert [s.identity for s in played.closed] == [s.identity for s in played.opened]
        assert [played.values(session=i) for i in range(3)] == [[1, 2, 3, 4, 5, 6]] * 3

    def test_a_round_starts_when_the_one_before_is_over(self):
        played = play(STEPS, rounds=3, loop=True)
        assert [played.deliveries(session=i)[0] for i in range(3)] == [0, 1, 2]
        for i, s in enumerate(played.opened):
            assert s.span.start == NOW + i * SECOND
            assert played.timestamps(session=i) == [t + i * SECOND for t in STEP_TIMES]

    def test_all_rounds_share_the_configuration(self):
        played = play(STEPS, rounds=3, loop=True)
        assert len(set(played.of(Publish))) == 1

    def test_a_file_of_one_moment_is_played_once_a_tick(self):
        played = play("t,a\n0,1\n", rounds=4, loop=True)
        moments = [m for m, u in zip(played.moments, played.updates, strict=True) if isinstance(u, OpenSession)]
        gaps = [b - a for a, b in itertools.pairwise(moments)]
        assert gaps == pytest.approx([0.1] * 3)

    def test_without_it_the_file_is_played_once(self):
        assert len(play(STEPS).of(OpenSession)) == 1
