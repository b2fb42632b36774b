"""An alarm's settings: the definition that they come to, or everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from rta.alarm.definition import VALUE, AlarmDefinition, Rule, Silent, Skew, Threshold, binding_code
from rta.alarm.options import AlarmSettings
from rta.node.status_settings import define_selector
from rta.node.stream_settings import DefinitionError, Fault, to_ns
from rta.rsmp.message import PLAIN, Component
from rta.rsmp.names import read_code
from rta.sampling.sources import SampleSource, StatusSources, TopicSource, read_source

__all__ = ["define_alarm"]

_SKEWED_FOR = 10.0  # s; one late burst does not mean that a clock is wrong
_OF_THRESHOLDS = ("above", "below", "max_age")
_OF_LEVELS = ("hysteresis", "for", "clear_for")


def define_alarm(settings: AlarmSettings) -> AlarmDefinition:
    """
    :raises DefinitionError: with every fault.
    """
    faults: list[Fault] = [*_rule_faults(settings), *_limit_faults(settings)]
    sources = dict(_sources(settings, faults))
    selector = define_selector(settings.session, faults)
    if faults:
        raise DefinitionError(faults)
    code = read_code(settings.code)
    binding = StatusSources(
        binding_code(code),
        selector,
        {(VALUE, c): source for c, (source, _) in sources.items()},
        anew=True,
        heard_only=settings.silent is not None,
    )
    texts = {component: text for component, (_, text) in sources.items()}
    return AlarmDefinition(code, _rule(settings), binding, settings.description, texts)


def _rule(settings: AlarmSettings) -> Rule:
    if settings.silent is not None:
        return Silent(to_ns(settings.silent))
    if settings.skew is not None:
        lasting = _SKEWED_FOR if settings.for_ is None else settings.for_
        return Skew(to_ns(settings.skew), to_ns(settings.hysteresis), to_ns(lasting), to_ns(settings.clear_for))
    max_age = None if settings.max_age is None else to_ns(settings.max_age)
    return Threshold(
        settings.above,
        settings.below,
        settings.hysteresis,
        to_ns(settings.for_ or 0.0),
        to_ns(settings.clear_for),
        max_age,
    )


def _sources(settings: AlarmSettings, faults: list[Fault]) -> Iterator[tuple[Component, tuple[SampleSource, str]]]:
    if (settings.from_ is None) == (not settings.components):
        faults.append(((), "expected either from or components"))
        return
    written = {"": settings.from_} if settings.from_ is not None else settings.components
    of_topics = [text.startswith("topic:") for text in written.values()]
    if any(of_topics) and not all(of_topics):  # only sources from sessions begin anew with another session
        faults.append((("components",), "expected either topics or what is of sessions; make two alarms of it"))
    for name, text in written.items():
        key = ("components", name) if name else ("from",)
        try:
            source = read_source(text)
        except ValueError as e:
            faults.append((key, str(e)))
            continue
        if isinstance(source, TopicSource) and settings.skew is not None:
            faults.append((key, "expected a parameter or a channel, since values of topics have no time of their own"))
        yield Component(name) if name else PLAIN, (source, text)


def _rule_faults(settings: AlarmSettings) -> Iterator[Fault]:
    threshold = settings.above is not None or settings.below is not None
    if threshold + (settings.silent is not None) + (settings.skew is not None) != 1:
        yield (), "expected one of: above and below (or either), silent, skew"
        return
    without = () if threshold else _OF_THRESHOLDS if settings.skew is not None else (*_OF_THRESHOLDS, *_OF_LEVELS)
    kind = "skew" if settings.skew is not None else "silent"
    for name in without:
        if getattr(settings, "for_" if name == "for" else name) not in (None, 0):
            yield (name,), f"expected none, since it does not go with {kind}"


def _limit_faults(settings: AlarmSettings) -> Iterator[Fault]:
    """The limits must leave values between them at which the alarm is over."""
    above, below, hysteresis = settings.above, settings.below, settings.hysteresis
    if above is not None and below is not None:
        if below > above:
            yield ("below",), f"expected at most above, which is {above:g}, got {below:g}"
        elif below + hysteresis > above - hysteresis:
            yield ("hysteresis",), f"expected at most half of what is between the limits, {(above - below) / 2:g}"
    if settings.skew is not None and hysteresis > settings.skew:
        yield ("hysteresis",), f"expected at most the skew, {settings.skew:g} s, got {hysteresis:g} s"
