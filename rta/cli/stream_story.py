"""Why a stream runs, or does not, and what will end that: in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["label", "moment", "tell"]

_BY = re.compile(r"(\w+)(?: \((.*)\))?", re.DOTALL)


def label(stream: Mapping[str, Any]) -> str:
    """Status and stream as commands take them."""
    code, name = stream.get("code"), stream.get("name")
    return f"{code}/{name}" if name else str(code)


def moment(text: object) -> str:
    """A time of a listing, for people; empty where there is none."""
    at = _time(text)
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def tell(stream: Mapping[str, Any], now: datetime) -> list[str]:
    """Sentences, of a stream as it is listed."""
    if stream.get("state") != "running":
        return [_why_stopped(stream)]
    since = _time(stream.get("since"))
    began = "" if since is None else f" since {moment(stream.get('since'))} ({_span((now - since).total_seconds())})"
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
        return f"It stopped by itself: nobody it is for was there any more{_grace(stream)}."
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
    at = _time(stream.get("prune_at"))
    if at is not None:
        nobody = "; nobody it is for is online" if away else ""
        left = _span((at - now).total_seconds())
        return f"It stops by itself at {moment(stream.get('prune_at'))} (in {left}) unless it is started again{nobody}."
    if consumers:
        there = ", ".join(f"{c} ({said if said != 'unknown' else 'not seen'})" for c, said in consumers.items())
        return f"It stops by itself when nobody it is for is there any more{_grace(stream)}: {there}."
    return "Nothing ends it but a stop."


def _grace(stream: Mapping[str, Any]) -> str:
    prune = stream.get("prune")
    grace = prune.get("grace") if isinstance(prune, Mapping) else None
    return f" for {grace}" if isinstance(grace, str) and not re.match(r"0(\D|$)", grace) else ""


def _by(text: object) -> tuple[str, str]:
    match = _BY.fullmatch(text) if isinstance(text, str) else None
    return ("", "") if match is None else (match[1], match[2] or "")


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"
