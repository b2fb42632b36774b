"""Whatever failures the log has, every sample arrives once and in order."""

from __future__ import annotations

import trio
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from rta.testing import numbered_burst
from rta.testing.bursts import MOMENT
from rta.writer import WriterSettings, write_to

from .logs import FlakyLog, Reply, samples_of, state_of

replies = st.lists(st.sampled_from([Reply.DONE, Reply.LOST, Reply.UNANSWERED]), max_size=60)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), st.integers(1, 30)),
        st.tuples(st.just("burst"), st.integers(0, 1), st.just(1)),
        st.tuples(st.just("flush"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("pause"), st.just(0), st.integers(1, 300)),
    ),
    max_size=30,
)


@settings(max_examples=examples(100), deadline=None)
@given(replies, steps, st.integers(1, 3000), st.integers(50, 1000))
def test_every_sample_arrives_once_and_in_order(replies, steps, max_bytes, target) -> None:
    log = FlakyLog(replies)
    written: list[list[tuple[int, float]]] = [[], []]

    async def main() -> None:
        bounds = WriterSettings(max_bytes=max_bytes, target=target, patience=1000)
        async with write_to(log, settings=bounds) as writer:  # type: ignore[arg-type]
            sessions = [await writer.open_session(identity=i) for i in "ab"]
            for number, (what, which, amount) in enumerate(steps):
                match what:
                    case "write":
                        values = [number * 100 + i for i in range(amount)]
                        await sessions[which].write(1, values, values)
                        written[which] += [(v, float(v)) for v in values]
                    case "burst":
                        await sessions[which].write_burst(numbered_burst(number))
                        written[which].append((MOMENT, float(number)))
                    case "flush":
                        await sessions[which].flush()
                        assert sessions[which].waiting == 0
                    case "pause":
                        await trio.sleep(amount / 1000)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    for identity, expected in zip("ab", written, strict=True):
        bursts = log.bursts[identity]
        assert samples_of(bursts) == expected
        assert (state_of(bursts[0]), state_of(bursts[-1])) == ("open", "closed")
