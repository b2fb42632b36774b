"""The sampler on a memory log: which session it follows, what it makes of it, and when."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import Factory, define, evolve
from rta_transports.csv import CsvOptions, CsvSource
from rta_transports.memory import MemoryLog, MemoryTopics
from trio.testing import MockClock, wait_all_tasks_blocked

from rta.actors.hub import SessionHub
from rta.actors.ingest import IngestActor
from rta.actors.sampler import Sampler
from rta.actors.session_sampler import SamplingContext
from rta.errors import TransportError
from rta.health import Health
from rta.hot_counters import HotCounters
from rta.ports import Context, SessionRecord
from rta.rsmp.message import PLAIN
from rta.sampling.sources import ChannelSource, ParameterSource, SampleSource, Selector, StatusSources, TopicSource
from rta.session.options import FanOutSettings
from rta.stream.clock import LIVE, ClockChanged, Sampled, SampledTogether
from rta.testing.bursts import json_burst, large_burst, session_json
from rta.testing.patience import until
from rta.wire import (
    Application,
    Channel,
    ChannelId,
    Configuration,
    Parameter,
    SampleType,
    data_item,
    encode_row,
    encode_timestamped,
    make_burst,
)

NOW = 1_800_000_000 * 10**9
SECOND = 10**9
CONFIGURATION = Configuration(
    {"Car": Application(parameters=[Parameter("speed:Car", "Speed", channels=[1])], channels=[Channel(1)])}
)
ANY = Selector()


def wall() -> int:
    return NOW + round(trio.current_time() * 1e9)


def status(code: str, selector: Selector = ANY, **sources: SampleSource) -> StatusSources:
    return StatusSources(code, selector, {(name, PLAIN): source for name, source in sources.items()})


CAR = status("car", v=ParameterSource("Speed"))
RECORDED = 1_000_000_000 * SECOND
KEPT = {"details": {"time": "kept", "speed": 1, "delay": 5}}


@define
class Reports:
    faults: list[str] = Factory(list)
    counts: Counter[str] = Factory(Counter)

    def malformed(self, source: str, kind: str, detail: str, part: str = "") -> None:
        self.faults.append(kind)

    def notice(self, source: str, kind: str, detail: str) -> None: ...

    def count(self, metric: str, amount: float = 1, **labels: str) -> None:
        self.counts[metric] += int(amount)

    def gauge(self, metric: str, amount: float, **labels: str) -> None: ...


@define
class Writer:
    """Writes one session by hand."""

    log: MemoryLog
    record: SessionRecord
    began: str

    async def say(self, state: str = "open", **more: object) -> None:
        bindings = [{"identifier": CONFIGURATION.identifier(), "channelOffset": 0}]
        fields = {"timestamp": self.began, "configBindings": bindings, **more}
        await self.log.append(self.record, json_burst(session_json(self.record.identity, state, **fields)))

    async def sample(self, value: float, ts: int | None = None, channel: int = 1) -> None:
        item = encode_timestamped(ChannelId(channel), [wall() if ts is None else ts], [value])
        await self.log.append(self.record, make_burst([data_item(item)]))


class Scene:
    """A sampler, and what it has told."""

    def __init__(self, nursery: trio.Nursery, capacity: int) -> None:
        self.nursery = nursery
        self.log = MemoryLog(1 << 26, wall)
        self.health, self.report, self.topics = Health(), Reports(), MemoryTopics()
        self.hub = SessionHub(self.log, FanOutSettings(), self.health, HotCounters())
        self.send, self.receive = trio.open_memory_channel[SampledTogether](capacity)
        self.told: list[tuple[float, Sampled | ClockChanged]] = []
        self._sessions = 0

    def sampler(self, *bindings: StatusSources) -> None:
        context = SamplingContext(self.log, self.topics, self.health, self.report, wall)
        sampler = Sampler(context, self.hub, bindings, self.send)
        self.nursery.start_soon(sampler.run)

    async def collect(self) -> None:
        async for message in self.receive:
            self.told += [(trio.current_time(), item) for item in message.items]

    async def session(self, identity: str, stream: str = "s", **more: object) -> Writer:
        """A new session, newer than those before."""
        self._sessions += 1
        writer = Writer(
            self.log, await self.log.open_session(identity, stream), f"2026-01-01T00:00:{self._sessions:02}Z"
        )
        await writer.say(**more)
        return writer

    def play(self, folder: Path, text: str, **options: object) -> None:
        """A CSV file as a source of the site."""
        Path(folder, "file.csv").write_text(text)
        context = Context("csv", Path(folder), wall, self.report)
        source = CsvSource(CsvOptions(path="file.csv", **options), context)
        actor = IngestActor("csv", "csv", source, self.log, self.health, self.report, wall)
        self.nursery.start_soon(actor.run)

    @property
    def kinds(self) -> list[type]:
        return [type(message) for _, message in self.told]

    async def until_values(self, code: str, count: int) -> None:
        await until(lambda: len(self.values(code)) >= count, 20, f"{count} values of {code}")

    def values(self, code: str = "car") -> list[object]:
        return [s.value for _, m in self.told if isinstance(m, Sampled) and m.code == code for s in m.samples]

    def times(self, code: str = "car") -> list[int]:
        return [s.ts for _, m in self.told if isinstance(m, Sampled) and m.code == code for s in m.samples]


@asynccontextmanager
async def a_scene(*, capacity: int = 1000, collecting: bool = True):
    async with trio.open_nursery() as nursery:
        scene = Scene(nursery, capacity)
        await nursery.start(scene.hub.run)
        await scene.log.publish(CONFIGURATION.identifier(), CONFIGURATION.write())
        if collecting:
            nursery.start_soon(scene.collect)
        yield scene
        nursery.cancel_scope.cancel()


# ---- live sessions


async def test_samples_of_the_followed_session_are_told_with_their_own_times(autojump_clock: MockClock) -> None:
    async with a_scene() as scene:
        writer = await scene.session("a")
        scene.sampler(CAR)
        await wait_all_tasks_blocked()
        await writer.sample(1.5, NOW - 7)
        await writer.sample(9, channel=2)
        await wait_all_tasks_blocked()
        assert scene.told == [(0.0, Sampled("car", [(NOW - 7, "v", PLAIN, 1.5)]))]


async def test_a_session_that_begins_while_nobody_looks_is_sampled_from_its_first_sample_on(
    autojump_clock: MockClock,
) -> None:
    async with a_scene() as scene:
        scene.sampler(CAR)
        await trio.sleep(0.3)
        writer = await scene.session("a")
        for value in range(5):
            await writer.sample(value)
        await trio.sleep(1)
        await writer.sample(5)
        await wait_all_tasks_blocked()
        assert scene.values() == [0, 1, 2, 3, 4, 5]


async def test_of_what_came_before_the_start_only_the_newest_values_of_the_last_seconds_count(
    autojump_clock: MockClock,
) -> None:
    async with a_scene() as scene:
        writer = await scene.session("a")
        await writer.sample(1)
        await trio.sleep(10)
        await writer.sample(7, channel=2)
        for value in (2, 3, 4):
            await writer.sample(value)
        await trio.sleep(1)
        scene.sampler(CAR, status("other", w=ChannelSource(2)))
        await wait_all_tasks_blocked()
        assert (scene.values(), scene.values("other")) == ([4], [7])


async def test_a_newer_session_is_followed_within_a_second_and_no_restart(autojump_clock: MockClock) -> None:
    async with a_scene() as scene:
        scene.sampler(CAR)
        older = await scene.session("a")
        await trio.sleep(1)
        await older.sample(1)
        newer = await scene.session("b")
        await newer.sample(2)
        await trio.sleep(1.1)
        await older.sample(3)
        await newer.sample(4)
        await wait_all_tasks_blocked()
        assert scene.values() == [1, 2, 4]
        assert ClockChanged not in scene.kinds


async def test_a_binding_that_begins_anew_with_each_session_is_told_of_another_one(autojump_clock: MockClock) -> None:
    async with a_scene() as scene:
        scene.sampler(evolve(CAR, anew=True), status("other", v=ParameterSource("Speed")))
        older = await scene.session("a")
        await older.sample(1)
        await trio.sleep(1.1)
        newer = await scene.session("b")
        await newer.sample(2)
        await trio.sleep(1.1)
        await newer.sample(3)
        await wait_all_tasks_blocked()
        told = [m for _, m in scene.told if m.code == "car"]
        assert [type(m) for m in told] == [Sampled, ClockChanged, Sampled, Sampled]
        assert told[1] == ClockChanged("car", LIVE)
        assert [type(m) for _, m in scene.told if m.code == "other"] == [Sampled, Sampled, Sampled]


async def test_a_session_that_closes_is_sampled_to_its_end_and_then_the_next_at_once(autojump_clock: MockClock) -> None:
    async with a_scene() as scene:
        scene.sampler(CAR)
        first, second = await scene.session("b"), await scene.session("a")
        await trio.sleep(1.1)
        await second.sample(1)
        await second.say("closed")
        await wait_all_tasks_blocked()
        await first.sample(2)
        await wait_all_tasks_blocked()
        assert scene.values() == [1, 2]


async def test_a_session_that_has_long_been_closed_is_no_longer_kept_from_being_forgotten(
    autojump_clock: MockClock,
) -> None:
    async with a_scene() as scene:
        scene.sampler(CAR)
        writer = await scene.session("a")
        await trio.sleep(60)
        assert [feed.identity for feed in scene.hub.feeds] == ["a"]
        await writer.say("closed")
        await trio.sleep(60)
        assert scene.hub.feeds == []


async def test_statuses_follow_the_sessions_that_their_selectors_say(autojump_clock: MockClock) -> None:
    async with a_scene() as scene:
        scene.sampler(
            CAR,
            status("by_name", Selector(None, "b"), v=ParameterSource("Speed")),
            status("by_detail", Selector(details={"lane": "1"}), v=ParameterSource("Speed")),
        )
        writers = [
            await scene.session("a", details={"lane": 1}),
            await scene.session("b", details={"lane": 2}),
            await scene.session("c"),
        ]
        await trio.sleep(1.1)
        for value, writer in enumerate(writers):
            await writer.sample(value)
        await wait_all_tasks_blocked()
        assert [scene.values(code) for code in ("by_detail", "by_name", "car")] == [[0], [1], [2]]


async def test_a_session_that_runs_again_under_its_identity_is_sampled_from_the_new_beginning(
    autojump_clock: MockClock,
) -> None:
    async with a_scene() as scene:
        scene.sampler(CAR)
        await (await scene.session("a")).sample(1)
        await trio.sleep(2)
        again = await scene.session("a")
        await again.sample(2)
        await trio.sleep(3)
        await again.sample(3)
        await wait_all_tasks_blocked()
        assert scene.values() == [1, 2, 3]


async def test_a_configuration_that_comes_later_is_tried_again(autojump_clock: MockClock) -> None:
    other = Configuration(
        {"Car": Application(parameters=[Parameter("Rpm", "Rpm", channels=[2])], channels=[Channel(2)])}
    )
    async with a_scene() as scene:
        writer = await scene.session("a", configBindings=[{"identifier": other.identifier(), "channelOffset": 0}])
        scene.sampler(status("car", v=ParameterSource("Rpm")))
        await wait_all_tasks_blocked()
        await writer.sample(1, channel=2)
        await wait_all_tasks_blocked()
        await scene.log.publish(other.identifier(), other.write())
        await trio.sleep(1.1)
        await writer.sample(2, channel=2)
        await wait_all_tasks_blocked()
        assert scene.values() == [2]
        assert scene.report.counts["rta_sampler_unbound_total"] == 0


async def test_a_session_json_with_another_configuration_holds_from_there_on(autojump_clock: MockClock) -> None:
    other = Configuration(
        {"Car": Application(parameters=[Parameter("Speed", "Speed", channels=[2])], channels=[Channel(2)])}
    )
    async with a_scene() as scene:
        await scene.log.publish(other.identifier(), other.write())
        writer = await scene.session("a")
        scene.sampler(CAR)
        await wait_all_tasks_blocked()
        await writer.sample(1)
        await wait_all_tasks_blocked()
        await writer.say(configBindings=[{"identifier": other.identifier(), "channelOffset": 0}])
        await writer.sample(2)
        await writer.sample(3, channel=2)
        await wait_all_tasks_blocked()
        assert scene.values() == [1, 3]


async def test_what_a_session_lacks_is_counted_once_and_the_rest_is_sampled(autojump_clock: MockClock) -> None:
    async with a_scene() as scene:
        writer = await scene.session("a")
        scene.sampler(status("car", v=ParameterSource("Speed"), x=ParameterSource("Sped")))
        await wait_all_tasks_blocked()
        await writer.say(quality=0.5)
        await writer.sample(1)
        await trio.sleep(5)
        assert scene.values() == [1]
        assert scene.report.counts["rta_sampler_unbound_total"] == 1


async def test_malformed_items_json_and_configurations_are_counted_and_the_rest_is_sampled(
    autojump_clock: MockClock,
) -> None:
    async with a_scene() as scene:
        await scene.log.publish("broken", "{")
        bindings = [{"identifier": i} for i in ("broken", CONFIGURATION.identifier())]
        writer = await scene.session("a", configBindings=bindings)
        scene.sampler(CAR)
        await wait_all_tasks_blocked()
        await writer.say(configBindings="none")
        unknown = {ChannelId(1): SampleType.F64, ChannelId(9): SampleType.U8}
        row = encode_row([ChannelId(1), ChannelId(9)], NOW, [1, 1], unknown)
        await scene.log.append(writer.record, make_burst([data_item(row)]))
        await writer.sample(2)
        await wait_all_tasks_blocked()
        assert scene.values() == [2]
        assert scene.report.faults == ["json", "json", "row"]


async def test_a_receiver_that_does_not_keep_up_makes_the_queue_drop_and_count(autojump_clock: MockClock) -> None:
    async with a_scene(capacity=0, collecting=False) as scene:
        writer = await scene.session("a")
        scene.sampler(CAR)
        await wait_all_tasks_blocked()
        large = large_burst(1_000_000)
        for _ in range(12):
            await scene.log.append(writer.record, large)
            await wait_all_tasks_blocked()
        # One is being delivered, 8 MiB wait.
        assert scene.report.counts["rta_sampler_dropped_total"] == 3
        assert scene.health.healthy


async def test_a_buffer_that_cannot_be_read_makes_unhealthy_until_it_can(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_scene() as scene:
        writer = await scene.session("a")
        sessions, broken = scene.log.sessions, True

        async def answer() -> list[SessionRecord]:
            if broken:
                raise TransportError("no route")
            return await sessions()

        monkeypatch.setattr(scene.log, "sessions", answer)
        scene.sampler(CAR)
        await trio.sleep(3)
        assert scene.health.reasons == ["sampler: the buffer cannot be read: no route"]
        broken = False
        await trio.sleep(3)
        assert scene.health.healthy
        await writer.sample(1)
        await wait_all_tasks_blocked()
        assert scene.values() == [1]


async def test_no_session_is_no_reason_to_be_unhealthy(autojump_clock: MockClock) -> None:
    async with a_scene() as scene:
        scene.sampler(CAR)
        await trio.sleep(100)
        assert scene.health.healthy
        assert scene.told == []


# ---- files


DAY = "t,vehicles\n" + "".join(f"2012-10-02 {hour:02}:30:00,{hour}\n" for hour in range(24))
FIRST = 1_349_137_800 * SECOND  # 2012-10-02T00:30:00Z


async def test_a_file_that_keeps_its_times_has_its_own_clock_and_each_sample_in_its_moment(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with a_scene() as scene:
        scene.sampler(status("traffic", vehicles=ParameterSource("vehicles")))
        scene.play(tmp_path, DAY, time_unit="iso", origin="file", speed=86_400)
        await scene.until_values("traffic", 24)
        begun = scene.told[0][1]
        assert isinstance(begun, ClockChanged)
        assert scene.values("traffic") == list(range(24))
        assert scene.times("traffic") == [FIRST + hour * 3600 * SECOND for hour in range(24)]
        for told_at, message in scene.told[1:]:
            assert isinstance(message, Sampled)
            now = begun.clock.now(NOW + round(told_at * 1e9))
            # Within the microsecond that Trio's clock is exact to, at this speed.
            assert [s.ts for s in message.samples] == pytest.approx([now], abs=86_400 * 1000)


async def test_kept_time_begins_with_the_first_sample_though_the_session_was_found_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with a_scene() as scene:
        scene.sampler(status("traffic", vehicles=ParameterSource("vehicles")))
        await trio.sleep(0.1)
        scene.play(tmp_path, DAY, time_unit="iso", origin="file", speed=3600)
        await scene.until_values("traffic", 24)
        begun = scene.told[0][1]
        assert isinstance(begun, ClockChanged)
        assert begun.clock.first == FIRST
        assert begun.clock.speed == 3600


async def test_another_round_of_a_file_is_another_clock(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with a_scene() as scene:
        scene.sampler(status("traffic", vehicles=ParameterSource("vehicles")))
        scene.play(tmp_path, DAY, time_unit="iso", origin="file", speed=86_400, loop=True)
        await scene.until_values("traffic", 72)
        assert scene.kinds.count(ClockChanged) == 3
        assert scene.values("traffic") == list(range(24)) * 3


async def test_a_file_that_is_played_as_of_now_is_live(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with a_scene() as scene:
        scene.sampler(status("traffic", vehicles=ParameterSource("vehicles")))
        scene.play(tmp_path, "t,vehicles\n0,1\n1,2\n2,3\n")
        await scene.until_values("traffic", 3)
        assert scene.values("traffic") == [1, 2, 3]
        assert ClockChanged not in scene.kinds


# ---- topics


async def test_values_of_topics_are_samples_of_now_retained_ones_too(autojump_clock: MockClock) -> None:
    lamp = status("lamp", on=TopicSource("plant/lamp"), w=TopicSource("plant/meter", ("power", "w")))
    async with a_scene() as scene, scene.topics.connect("node"):
        await scene.topics.publish("plant/lamp", b"on", retain=True)
        scene.sampler(lamp)
        await trio.sleep(2)
        await scene.topics.publish("plant/meter", json.dumps({"power": {"w": 12.5}}).encode())
        await wait_all_tasks_blocked()
        assert [m for _, m in scene.told] == [
            Sampled("lamp", [(NOW, "on", PLAIN, "on")]),
            Sampled("lamp", [(NOW + 2 * SECOND, "w", PLAIN, 12.5)]),
        ]


async def test_malformed_payloads_are_counted_and_left_out(autojump_clock: MockClock) -> None:
    async with a_scene() as scene, scene.topics.connect("node"):
        scene.sampler(status("lamp", on=TopicSource("plant/lamp", ("on",))))
        await wait_all_tasks_blocked()
        for payload in (b"\xff", b"[]", b'{"on": {}}', b'{"on": true}'):
            await scene.topics.publish("plant/lamp", payload)
        await wait_all_tasks_blocked()
        assert scene.values("lamp") == [True]
        assert scene.report.faults == ["topic"] * 3


async def test_of_a_topic_that_is_only_listened_for_anything_counts_once(autojump_clock: MockClock) -> None:
    async with a_scene() as scene, scene.topics.connect("node"):
        await scene.topics.publish("plant/lamp", b'{"on": true}', retain=True)
        quiet = status("quiet", any=TopicSource("plant/lamp"), on=TopicSource("plant/lamp", ("on",)))
        scene.sampler(evolve(quiet, heard_only=True))
        for payload in (b"\xff", b"[]", b"7"):
            await trio.sleep(1)
            await scene.topics.publish("plant/lamp", payload, retain=True)
        await wait_all_tasks_blocked()
        names = [[sample.attribute for sample in m.samples] for _, m in scene.told]
        assert names == [["any", "on"], ["any"], ["any"], ["any"]]
        scene.told.clear()
        scene.topics.cut()
        await trio.sleep(1)
        scene.topics.mend()
        await trio.sleep(60)
        assert scene.told == []  # what is retained says nothing new


async def test_values_of_topics_are_told_again_when_the_clock_changes(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    both = status("traffic", vehicles=ParameterSource("vehicles"), open=TopicSource("gate"))
    async with a_scene() as scene, scene.topics.connect("node"):
        await scene.topics.publish("gate", b"true", retain=True)
        scene.sampler(both)
        await wait_all_tasks_blocked()
        scene.play(tmp_path, DAY, time_unit="iso", origin="file", speed=86_400)
        await scene.until_values("traffic", 3)
        assert scene.kinds[:3] == [Sampled, ClockChanged, Sampled]
        assert scene.told[2][1] == Sampled("traffic", [(FIRST, "open", PLAIN, True)])


# ---- what may come between


async def test_what_is_left_of_a_run_is_played_before_the_next_one(autojump_clock):
    async with a_scene() as scene:
        scene.sampler(CAR)
        first = await scene.session("a", **KEPT)
        for i in range(56, 60):
            await first.sample(i, RECORDED + i * SECOND)
        await trio.sleep(6)
        for i in range(60, 64):  # ahead of their moment, and waiting
            await first.sample(i, RECORDED + i * SECOND)
        again = await scene.session("a", **KEPT)
        for i in range(40):
            await again.sample(100 + i, RECORDED + i * SECOND)
            await trio.sleep(1)
        await trio.sleep(60)
        assert scene.values() == [*range(59, 64), *range(100, 140)]  # of what was before us the newest


async def test_a_session_that_began_behind_an_old_list_is_read_from_its_beginning(autojump_clock):
    async with a_scene() as scene:
        list_now = scene.log.sessions

        async def slow():
            found = await list_now()
            await trio.sleep(0.2)
            return found

        scene.log.sessions = slow
        scene.sampler(CAR)
        await trio.sleep(0.5)  # this list is good for another four seconds
        writer = await scene.session("a")
        await writer.sample(1)
        await trio.sleep(8)
        await writer.sample(2)
        await trio.sleep(1)
        assert scene.values() == [1, 2]


async def test_topics_that_are_refused_are_asked_for_again(autojump_clock):
    async with a_scene() as scene, scene.topics.connect("node"):
        subscribe, refusals = scene.topics.subscribe, [1, 2]

        @asynccontextmanager
        async def refusing(*filters, bound=1024):
            if refusals:
                refusals.pop()
                raise TransportError("the broker refused the subscription")
            async with subscribe(*filters, bound=bound) as subscription:
                yield subscription

        scene.topics.subscribe = refusing
        scene.sampler(status("car", open=TopicSource("plant/x")))
        await trio.sleep(5)
        assert not scene.health.healthy
        await trio.sleep(20)
        assert scene.health.healthy
        await scene.topics.publish("plant/x", b"7")
        await trio.sleep(1)
        assert scene.values() == [7]
