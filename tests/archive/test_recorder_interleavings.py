"""Whatever happens in whatever order: what was in the log when it could be read is in the archive, once, and what was
trimmed before is a hole."""

from __future__ import annotations

from collections import Counter

import trio
import trio.lowlevel
import trio.testing
from attrs import Factory, define
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rta.ports import Position, SessionRecord, Trim

from .recording_stage import Stage

STEPS = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just("write"), st.integers(0, 2), st.integers(1, 5)),
    st.tuples(st.just("write"), st.integers(0, 2), st.integers(1, 5)),
    st.tuples(st.just("close"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("trim"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("kill"), st.just(0), st.just(0)),
    st.tuples(st.just("disk"), st.integers(0, 1), st.just(0)),
    st.tuples(st.just("outage"), st.integers(0, 1), st.just(0)),
    st.tuples(st.just("anew"), st.integers(0, 1), st.just(0)),
    st.tuples(st.just("hide"), st.integers(0, 2), st.just(0)),
)
PAUSES = st.sampled_from([0.0, 0.002, 0.02, 0.15, 1.1, 7.0])


@define
class Written:
    """A numbered entry of a session."""

    session: SessionRecord
    number: int
    position: Position
    epoch: int


@define
class World:
    """What has been done to a stage."""

    stage: Stage = Factory(Stage)
    sessions: dict[int, SessionRecord] = Factory(dict)
    written: list[Written] = Factory(list)
    epoch: int = 0
    """How often the log has begun anew."""
    hidden: dict[str, SessionRecord] = Factory(dict)

    async def carry_out(self, what: str, which: int, how: int) -> None:
        log = self.stage.log
        match what:
            case "open":
                self.sessions[which] = await self.stage.open(f"session {which}", f"stream {how}")
                self.hidden.pop(f"session {which}", None)
            case "write" if which in self.sessions:
                for _ in range(how):
                    await self._write(self.sessions[which])
            case "close" if which in self.sessions:
                await self.stage.close(self.sessions[which])
            case "trim":
                await log.trim(Trim(max_entries=which))
            case "disk":
                self.stage.archive.fail = "the disk is full" if which else None
            case "outage":
                log.go_out() if which else log.come_back()
            case "hide" if f"session {which}" in log._records:
                self.hidden[f"session {which}"] = log._records.pop(f"session {which}")
            case "anew":
                log.go_out()
                await trio.sleep(2)
                log.begin_anew()
                self.epoch += 1
                self.sessions.clear()
                self.hidden.clear()
                if which:
                    self.stage.clock.offset -= 60
                log.come_back()

    async def _write(self, session: SessionRecord) -> None:
        number = len(self.written)
        [position] = await self.stage.write(session, [number])
        self.written.append(Written(session, number, position, self.epoch))

    async def heal(self) -> None:
        """Everything works again, and all that is owed can be done."""
        self.stage.archive.fail = None
        self.stage.log.come_back()
        for identity, record in self.hidden.items():
            self.stage.log._records.setdefault(identity, record)
        await trio.sleep(60)

    async def check(self) -> None:
        stage = self.stage
        identities = {w.session.identity for w in self.written}
        there = Counter({(i, n): c for i in identities for n, c in Counter(stage.numbers(i)).items()})
        assert set(there.values()) <= {1}, "something is there twice"
        for written in self.written:
            who = written.session.identity
            if there[who, written.number]:
                continue
            if written.epoch < self.epoch:
                continue  # the log forgot it, and nobody else knows of it
            if await self._was_unheard_of(written.session):
                continue
            stream = stage.log._streams[written.session.stream]
            assert written.position not in stream.positions[stream.gone :], f"{written} is missing"
            told = stage.holes(who) if who in stage.archive._sessions else []
            assert any(h.after < written.position <= h.upto for h in told), f"{written} is missing, and no hole: {told}"

    async def _was_unheard_of(self, session: SessionRecord) -> bool:
        """Whether nobody had heard of a run when its session got another one."""
        found = await self.stage.archive.find(session.identity)
        runs = [] if found is None else [(run.stream, run.session_id) for run in found.runs]
        where = session.stream, session.stream_session_id
        newest = self.stage.log._records.get(session.identity)
        return where not in runs and newest is not None and newest.stream_session_id != session.stream_session_id


async def carry_out(steps: list[tuple[tuple[str, int, int], float]]) -> None:
    world = World()
    left = list(steps)
    while True:
        async with world.stage.recording():
            await trio.lowlevel.checkpoint()
            while left:
                (what, which, how), pause = left.pop(0)
                if what == "kill":
                    break
                await world.carry_out(what, which, how)
                await trio.sleep(pause)
            else:
                await world.heal()
                await world.check()
                return
        await trio.sleep(0.001)


@example([(("open", 0, 0), 0.0), (("write", 0, 1), 0.0), (("open", 0, 0), 0.0)])
@example([(("open", 0, 0), 0.002), (("anew", 1, 0), 0.0), (("open", 0, 0), 0.0), (("write", 0, 1), 0.0)])
@settings(max_examples=examples(60))
@given(st.lists(st.tuples(STEPS, PAUSES), max_size=40))
def test_nothing_is_missing_that_is_not_said_and_nothing_is_there_twice(steps) -> None:
    trio.run(carry_out, steps, clock=trio.testing.MockClock(autojump_threshold=0))
