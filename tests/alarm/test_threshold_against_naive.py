"""Thresholds say what a model says that looks at every second of the past, every second."""

from __future__ import annotations

from attrs import frozen
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from .alarms import Story

LAST = 40

judged = settings(deadline=None, derandomize=True, database=None, max_examples=examples(300))


@frozen
class Case:
    samples: dict[int, float | None]
    """By second."""
    above: float | None
    below: float | None
    hysteresis: float
    lasting: int
    clear_lasting: int
    max_age: int | None

    def story(self) -> Story:
        said = {"above": self.above, "below": self.below, "max_age": self.max_age}
        limits = {name: value for name, value in said.items() if value is not None}
        return Story(hysteresis=self.hysteresis, for_=self.lasting, clear_for=self.clear_lasting, **limits)


def naive(case: Case) -> list[tuple[float, bool]]:
    def value(second: int) -> float | None:
        at = max((s for s in case.samples if s <= second), default=None)
        if at is None or (case.max_age is not None and second >= at + case.max_age):
            return None
        return case.samples[at]

    def turns(second: int, active: bool) -> bool:
        v = value(second)
        if v is None:
            return False
        if active:
            return (case.above is None or v <= case.above - case.hysteresis) and (
                case.below is None or v >= case.below + case.hysteresis
            )
        return (case.above is not None and v > case.above) or (case.below is not None and v < case.below)

    def lasted(second: int, active: bool) -> bool:
        span = case.clear_lasting if active else case.lasting
        return span > 0 and all(turns(s, active) for s in range(second - span, second))

    told: list[tuple[float, bool]] = []
    active = False
    for second in range(LAST + 1):
        if lasted(second, active):
            active = not active
            told.append((second, active))
        if not (case.clear_lasting if active else case.lasting) and turns(second, active):
            active = not active
            told.append((second, active))
    return told


values = st.none() | st.integers(0, 10).map(float)
spans = st.integers(0, 6)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    above, below = draw(st.sampled_from([(7.0, None), (None, 3.0), (7.0, 3.0)]))
    samples = draw(st.dictionaries(st.integers(0, LAST), values, max_size=25))
    max_age = draw(st.none() | st.integers(1, 8))
    return Case(samples, above, below, draw(st.sampled_from([0.0, 1.0, 2.0])), draw(spans), draw(spans), max_age)


@judged
@given(cases())
def test_samples_that_come_at_once_are_judged_as_by_the_model(case: Case) -> None:
    story = case.story()
    for second in sorted(case.samples):
        story.until(second).sample(second, case.samples[second])
    assert story.until(LAST).told == naive(case)


@judged
@given(cases(), st.integers(1, 20))
def test_samples_that_all_come_late_give_the_same_with_the_same_times(case: Case, late: int) -> None:
    story = case.story()
    for second in sorted(case.samples):
        story.until(second + late).sample(second + late, case.samples[second], ts=second)
    assert story.until(LAST + late).told == naive(case)


@judged
@given(cases())
def test_samples_that_come_together_give_the_same_as_far_as_they_reach(case: Case) -> None:
    story = case.story()
    for second in sorted(case.samples):
        story.sample(LAST, case.samples[second], ts=second)
    last = max(case.samples, default=0)
    assert story.told == [told for told in naive(case) if told[0] <= last]
