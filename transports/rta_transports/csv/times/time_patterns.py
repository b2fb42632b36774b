"""Formats of one's own, as `strptime` has them: made into a regular expression once, and exact to the ns."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, tzinfo

from attrs import frozen

from rta.ports import MalformedError, RtaError
from rta_transports.csv.cells import excerpt
from rta_transports.csv.times.local_times import LocalTimes, Note
from rta_transports.csv.times.month_names import MONTHS
from rta_transports.csv.times.times import ParseTime, bounded
from rta_transports.csv.times.zone_names import ZONE, offset_of

__all__ = ["TimePattern", "compile_pattern"]

_FIELDS = "YyjmbdHIMSfpz"
_WORD = r"[^\W\d_]+\.?"
_FRACTION = r"(?:(?:[.,]|:(?=\d{3}(?!\d)))(?P<f>\d+))?"
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "j": r"(?P<j>\d{1,3})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "b": rf"(?P<b>{_WORD})",
    "a": _WORD,
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": rf"(?P<S>\d{{1,2}}){_FRACTION}",
    "f": r"(?P<f>\d+)",
    "p": r"(?P<p>[AaPp])\.?\s?[Mm]\.?",
    "z": rf"(?P<z>{ZONE})",
}
_SAME = {"B": "b", "A": "a", "Z": "z", "e": "d", "h": "b"}
_WHOLE = {"T": "%H:%M:%S", "D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M"}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_SECOND = 10**9
_DAY = 86400 * _SECOND
_KEPT = 4096  # dates that are remembered


@frozen(slots=True)
class TimePattern:
    """A format, ready to read with."""

    format: str
    dated: bool
    """Whether it has a date; otherwise it is a clock time."""
    timed: bool
    zoned: bool
    """Whether it names a zone."""
    expression: re.Pattern[str]

    def parser(self, zone: tzinfo, note: Note) -> ParseTime:
        """ns since the Unix epoch, or since midnight when there is no date.

        The parser raises `MalformedError` of kind `time`. It is for the rows of one file in their order.
        """
        local = LocalTimes(zone, note)
        match = self.expression.fullmatch
        day_of = _days()
        fields = tuple(_FIELDS)
        dated = self.dated

        def parse(text: str) -> int:
            m = match(text)
            if m is None:
                raise self._refused(text)
            year, short, of_year, month, name, day, hour, twelve, minute, second, fraction, half, ahead = m.group(
                *fields
            )
            try:
                ns = _clock(hour, twelve, minute, second, fraction, half)
                if not dated:
                    return ns
                ns += day_of(year, short, of_year, month, name, day)
            except (ValueError, KeyError):
                raise self._refused(text) from None
            bounded(ns, text)
            return local.moment(ns, text) if ahead is None else local.fixed(ns - offset_of(ahead) * _SECOND)

        return parse

    def _refused(self, text: str) -> MalformedError:
        return MalformedError("time", f"the time {excerpt(text)} is not like {self.format}")


def compile_pattern(text: str) -> TimePattern:
    """A format in the words of `strptime`: %Y %y %m %b %B %d %j %a %A %H %I %M %S %f %p %z %Z %%.

    More than `strptime` takes is read: after %S stands a fraction of any length, or none; %z and %Z are offsets and
    names; names of months are of seven languages; seconds, and a time after a date, may be missing.

    :raises RtaError: it is no such format, or does not say a day.
    """
    for short, long in _WHOLE.items():
        text = text.replace(f"%{short}", long)
    used: set[str] = set()
    pieces = re.findall(r"%.?|\s+|[^%\s]+", re.sub(r"(%S)[.,]%f", r"\1", text))
    parts = [_part(piece, used, text) for piece in pieces]
    if "f" in used:
        parts = [part.replace(_FRACTION, "") for part in parts]
    for i in range(len(pieces) - 1):
        if pieces[i][0] == pieces[i + 1][0] == "%":  # nothing but their width tells where they end
            parts[i], parts[i + 1] = (part.replace(r"\d{1,2}", r"\d{2}") for part in parts[i : i + 2])
    dated = bool(used & {"Y", "y", "m", "b", "d", "j"})
    if dated and not (used & {"Y", "y"} and ("j" in used or ("d" in used and used & {"m", "b"}))):
        raise _unfit(text, "it says no year, month and day")
    if used & {"I"} and "p" not in used:
        raise _unfit(text, "%I needs %p")
    if not dated and not used & {"H", "I"}:
        raise _unfit(text, "it says neither a day nor an hour")
    timed = bool(used & {"H", "I"})
    absent = "".join(f"(?P<{field}>(?!))?" for field in _FIELDS if field not in _groups(used))
    expression = re.compile(r"\s*" + _lenient("".join(parts), dated) + r"\s*" + absent, re.IGNORECASE)
    return TimePattern(text, dated, timed, "z" in used, expression)


def _groups(used: set[str]) -> set[str]:
    return used | {"f"} if "S" in used else used


def _part(piece: str, used: set[str], text: str) -> str:
    if not piece.startswith("%"):
        return r"\s+" if piece.isspace() else re.escape(piece)
    if piece == "%%":
        return "%"
    letter = _SAME.get(piece[1:], piece[1:])
    if letter not in _DIRECTIVES:
        raise _unfit(text, f"{piece} is none of %Y %y %m %b %B %d %j %a %A %H %I %M %S %f %p %z %Z %%")
    if letter in used and letter != "a":
        raise _unfit(text, f"{piece} stands twice")
    used.add(letter)
    return _DIRECTIVES[letter]


def _lenient(expression: str, dated: bool) -> str:
    """Seconds may be missing; behind a date that comes first, so may the time."""
    seconds = ":" + _DIRECTIVES["S"]
    expression = expression.replace(seconds, f"(?:{seconds})?")
    for hour in (_DIRECTIVES["H"], _DIRECTIVES["I"]):
        before, found, after = expression.partition(r"\s+" + hour)
        if dated and found and not any(f"?P<{field}>" in after for field in "Yymbdj") and "?P<" in before:
            return rf"{before}(?:{found}{after})?"
    return expression


def _unfit(text: str, why: str) -> RtaError:
    return RtaError(f"time_format: {text!r} cannot be used: {why}; like %d/%m/%Y %H:%M:%S would be right")


def _clock(
    hour: str | None, twelve: str | None, minute: str | None, second: str | None, fraction: str | None, half: str | None
) -> int:
    """ns since midnight; ValueError when there is no such time."""
    h, m, s = int(hour or 0), int(minute or 0), int(second or 0)
    if twelve is not None and half is not None:
        h = int(twelve)
        if not 1 <= h <= 12:
            raise ValueError
        h = h % 12 + (12 if half in "Pp" else 0)
    ns = (h * 3600 + m * 60 + s) * _SECOND
    if fraction is not None:
        ns += int(fraction[:9].ljust(9, "0"))
    if m > 59 or s > 60 or (h > 23 and ns != _DAY):
        raise ValueError
    return ns


def _days() -> Callable[[str, str, str, str, str, str], int]:
    """ns from 1970 to a date, of the texts of its fields; rows share their dates, so the last ones are remembered."""
    known: dict[tuple[str | None, ...], int] = {}

    def day_of(
        year: str | None, short: str | None, of_year: str | None, month: str | None, name: str | None, day: str | None
    ) -> int:
        key = (year, short, of_year, month, name, day)
        ns = known.get(key)
        if ns is None:
            if len(known) >= _KEPT:
                known.clear()
            y = int(year) if year else (int(short or 0) + 31) % 100 + 1969  # 1969 to 2068, as POSIX has it
            if of_year is not None:
                first, count = date(y, 1, 1), int(of_year)
                if not 1 <= count <= 366 - (not _leap(y)):
                    raise ValueError
                ordinal = first.toordinal() + count - 1
            else:
                ordinal = date(
                    y, MONTHS[name.rstrip(".").lower()] if name else int(month or 0), int(day or 0)
                ).toordinal()
            ns = known[key] = (ordinal - _EPOCH_DAY) * _DAY
        return ns

    return day_of


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
