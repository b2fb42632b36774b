"""Logging: short lines on a terminal, one JSON object a line otherwise. Never payloads, never secrets."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict

from rta.formatting import printable, without_tokens

__all__ = ["set_up_logging"]

_STYLES = {"warning": "33", "error": "31", "critical": "31"}
_DATE = len("2026-11-21T")
_SECONDS = len("2026-11-21T08:16:00")


def set_up_logging(level: str = "info", form: str = "auto", out: TextIO | None = None) -> None:
    """Everything to standard error; `form` is auto, console or json."""
    stream = out or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    finish: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if console:
        finish = _ConsoleLine(terminal=stream.isatty())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                finish,
                _hide_tokens,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("trio-websocket").setLevel(logging.WARNING)


def _hide_tokens(logger: Any, method: str, line: Any) -> str:
    return without_tokens(line)


class _ConsoleLine:
    """A line for people: time, level if it is worth a word, event, fields. A terminal of 80 columns has room for most.

    A terminal shows the time of the day alone, in UTC; in a file there is the date too, and the logger.
    """

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal

    def __call__(self, logger: Any, method: str, event: EventDict) -> str:
        at, level = str(event.pop("timestamp", "")), str(event.pop("level", "info"))
        name, what, trace = event.pop("logger", None), str(event.pop("event", "")), event.pop("exception", None)
        parts = [self._styled(f"{at[_DATE if self._terminal else 0 : _SECONDS]}Z", "2")]
        if level != "info":
            parts.append(self._styled(level, _STYLES.get(level, "2")))
        parts.append(self._styled(printable(what), "1"))
        parts += [f"{self._styled(f'{printable(key)}=', '36')}{_shown(value)}" for key, value in event.items()]
        if name is not None and not self._terminal:
            parts.append(f"logger={name}")
        return "\n".join([" ".join(parts), *map(printable, str(trace or "").splitlines())])

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._terminal else text


def _shown(value: object) -> str:
    """A value; a terminal must not obey what it says."""
    if isinstance(value, list | tuple):
        return ",".join(map(_shown, value))
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if isinstance(value, str) and (" " in text or not text) else printable(text)
