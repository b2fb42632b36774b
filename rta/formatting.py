"""Values and names as messages put them, for people. Knows nothing of what the messages are about."""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "counted",
    "format_bytes",
    "choices",
    "listed",
    "nearest",
    "printable",
    "printable_json",
    "printable_lines",
    "replace_surrogates",
    "shown",
    "shown_url",
    "toml_text",
    "without_tokens",
    "wrapped",
]

_LISTED = 20
_ALIKE = 0.7
_COMPARED = 1000  # names that are compared letter by letter, which takes long
_TOKENS = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # of an issuer: Base64 of `{"`
    r"|rta_[\w-]{40,}"  # static
    r"|Wy[IJ][\w-]+\.[\w-]{43}"  # a ticket: Base64 of `["`, and of what comes next
    r"|(?:ZXlK|cnRhX|V3l[JK])[\w-]{40,}",  # all three, in Base64 once more
    re.ASCII,
)


def shown(value: Any) -> str:
    """A value that somebody wrote, in a message: as TOML writes it, cut short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        text = printable_json(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, int) and abs(value) >= 10**60:
        text = "a number of over 60 digits"
    else:
        text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def toml_text(text: str) -> str:
    """A text as a string of TOML, whole."""
    written = json.dumps(text, ensure_ascii=False)
    return written if written.isprintable() else "".join(c if c.isprintable() else _toml_escape(c) for c in written)


def _toml_escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def choices(name: str, known: Mapping[str, Iterable[str]]) -> str:
    """The end of a message about an unknown name: what there is, what is called alike first, cut after 20.

    `known`: what is to be shown of each, with all that it is called.
    """
    if not known:
        return "there are none"
    wanted = name.strip().casefold()
    shown_by: dict[str, list[str]] = {}
    for label, names in known.items():
        for plain in {text.strip().casefold() for text in names}:
            shown_by.setdefault(plain, []).append(label)
    alike = [plain for plain in shown_by if wanted and wanted in plain]
    alike += difflib.get_close_matches(wanted, list(shown_by)[:_COMPARED], _LISTED, _ALIKE)
    ordered = list(dict.fromkeys([*(label for plain in alike for label in shown_by[plain]), *known]))
    more = f" and {len(ordered) - _LISTED} more" if len(ordered) > _LISTED else ""
    return f"there are: {', '.join(map(printable, ordered[:_LISTED]))}{more}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the one that may have been meant, or all there are."""
    names = list(known)
    close = difflib.get_close_matches(name.casefold(), names, 1)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"there are: {', '.join(names)}" if names else "there are none"


def printable(text: str) -> str:
    """A text from outside, in one line: what would control a terminal is escaped, as in code."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def printable_json(text: str) -> str:
    """JSON in one line, with an escape of JSON for every character that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def printable_lines(text: str) -> str:
    """A text of several lines, each of them `printable`."""
    return "\n".join(map(printable, text.split("\n")))


def shown_url(url: str) -> str:
    """A URL without who we are there and what is behind its path, however wrong it is: a password may have any
    character."""
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    _, at, place = rest.rpartition("@")
    return "***" if "@" in scheme else f"{scheme}{mark}{'***@' if at else ''}{re.split('[?#]', place, maxsplit=1)[0]}"


def without_tokens(text: str) -> str:
    """A text that others read: of what looks like a token or a ticket four characters are left. Somebody may have put
    one where a name belongs."""
    return _TOKENS.sub(lambda found: f"{found[0][:4]}…", text)


def format_bytes(size: float) -> str:
    """A number of bytes in the unit that leaves up to four digits."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def counted(number: int, one: str, many: str | None = None) -> str:
    """As in "1 stream", "2 streams"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def replace_surrogates(text: str) -> str:
    """A text that can be encoded: each half of a surrogate pair, as JSON and conversions can bring it, becomes `?`."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph of Markdown, at most 120 characters wide where it can be broken; `indent` is of all lines but one."""
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def listed(text: str) -> str:
    """An item of a list in Markdown."""
    return wrapped(f"- {text}", "  ")
