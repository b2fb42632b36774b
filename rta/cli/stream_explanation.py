"""Why a stream runs or does not run, and what will end that, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rta.cli.times import format_listed_time, parse_listed_time
from rta.rsmp.presence import ONLINE

__all__ = ["absence", "explain_stream", "has_details", "stream_label"]

_ANNOUNCED = {
    "running": "It runs. Its node does not say since when, why, and what ends it.",
    "stopped": "It is stopped. Its node does not say why.",
}
_BY = re.compile(r"(\w+)(?: \((.*)\))?", re.DOTALL)


def stream_label(stream: Mapping[str, Any]) -> str:
    """Status and stream, as a command takes them."""
    code, name = stream.get("code"), stream.get("name")
    return f"{code}/{name}" if name else str(code)


def has_details(stream: Mapping[str, Any]) -> bool:
    """Whether its node says more of it than what any node announces: its settings, and why it runs."""
    return "newest" not in stream


def absence(stream: Mapping[str, Any]) -> str:
    """That its node is away, so that what it has announced may not be so any more; empty: it is not known to be."""
    presence = stream.get("presence")
    if presence in (None, ONLINE):
        return ""
    return f"The node is {presence}: this is what it had announced before."


def explain_stream(stream: Mapping[str, Any], now: datetime) -> list[str]:
    """Sentences about a stream, given as it is listed."""
    if not has_details(stream):
        said = _ANNOUNCED.get(str(stream.get("state")), "Its node has not said whether it runs.")
        return [said, *filter(None, [absence(stream)])]
    if stream.get("state") != "running":
        return [_why_stopped(stream)]
    since, began = parse_listed_time(stream.get("since")), ""
    if since is not None:
        began = f" since {format_listed_time(stream['since'])} ({_span((now - since).total_seconds())})"
    return [f"It runs{began}: {_why_running(stream)}.", _what_ends_it(stream, now)]


def _why_running(stream: Mapping[str, Any]) -> str:
    via, who = _by(stream.get("started_by"))
    if via == "configuration":
        return "it is on by default"
    return f"it was last started {_over(via, who)}"


def _why_stopped(stream: Mapping[str, Any]) -> str:
    via, who = _by(stream.get("stopped_by"))
    if via == "pruning":
        if who == "timeout":
            return "It stopped by itself: it was not started again in time."
        return f"It stopped by itself: none of its consumers was online any more{_grace(stream)}."
    if via:
        return f"It was stopped {_over(via, who)}."
    if stream.get("default") == "off":
        return "It is off by default, and has not been started since the service began."
    return "It has not run since the service began."


def _over(via: str, who: str) -> str:
    if via == "http":
        return f"over HTTP, from {who}" if who else "over HTTP"
    if via == "topic":
        return f"over a topic, by {who}" if who else "over a topic, which does not say by whom"
    return f"by {via} ({who})" if who else f"by {via}"


def _what_ends_it(stream: Mapping[str, Any], now: datetime) -> str:
    consumers = stream.get("consumers") or {}
    away = bool(consumers) and "online" not in consumers.values()
    at = parse_listed_time(stream.get("prune_at"))
    if at is not None:
        when = f"{format_listed_time(stream['prune_at'])} (in {_span((at - now).total_seconds())})"
        nobody = "; none of its consumers is online" if away else ""
        return f"It stops by itself at {when} unless it is started again{nobody}."
    if consumers:
        there = ", ".join(f"{c} ({said if said != 'unknown' else 'not seen'})" for c, said in consumers.items())
        return f"It stops by itself when none of its consumers is online any more{_grace(stream)}: {there}."
    return "Nothing ends it but a stop."


def _grace(stream: Mapping[str, Any]) -> str:
    prune = stream.get("prune")
    grace = prune.get("grace") if isinstance(prune, Mapping) else None
    return f" for {grace}" if isinstance(grace, str) and not re.match(r"0(\D|$)", grace) else ""


def _by(text: object) -> tuple[str, str]:
    match = _BY.fullmatch(text) if isinstance(text, str) else None
    return ("", "") if match is None else (match[1], match[2] or "")


def _span(seconds: float) -> str:
    for unit, length in (("y", 365.25 * 86400), ("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"
