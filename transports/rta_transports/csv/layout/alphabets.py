"""Which of the one-byte encodings a text is in: the one in which all its letters are those of one language."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["detect_one_byte"]

_WESTERN = (
    "äöüÄÖÜß",
    "àâçéèêëîïôùûüÿÀÂÇÉÊËÎÏÔÙÛÜœŒ",
    "áéíóúüñÁÉÍÓÚÜÑ¿¡ºª",
    "àèéìíòóùúÀÈÉÌÒÙ",
    "áâãàçéêíóôõúüÁÂÃÀÇÉÊÍÓÔÕÚ",
    "æøåéÆØÅÉ",
    "åäöéÅÄÖÉ",
    "éèëïöüáóêÉËÏÖÜ",
    "áðéíóúýþæöÁÐÉÍÓÚÝÞÆÖ",
)
_CENTRAL = (
    "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ",
    "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ",
    "áäčďéíĺľňóôŕšťúýžÁÄČĎÉÍĹĽŇÓÔŔŠŤÚÝŽ",
    "áéíóöőúüűÁÉÍÓÖŐÚÜŰ",
    "čćđšžČĆĐŠŽ",
    "ăâîşţĂÂÎŞŢ",
)
_CYRILLIC = ("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯіїєґІЇЄҐ",)
_GREEK = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΆΈΉΊΌΎΏ",)
_ENCODINGS = (
    ("cp1252", _WESTERN),
    ("cp1250", _CENTRAL),
    ("iso8859-2", _CENTRAL),
    ("cp1251", _CYRILLIC),
    ("cp1253", _GREEK),
    ("cp850", _WESTERN),
    ("mac_roman", _WESTERN),
)
"""In the order in which they are tried."""
_SYMBOLS = "\u202f°µ²³·€£¥§±×÷–—‰…‘’“”„«»®©™\u00a0¼½¾Ω∆"
_ODD = re.compile(
    r"[²³¹£¥][^\W\d_]|[^\W\d_][¹£¥¿¡„”‹›†‡ˆ°±]|[\W\d_][øříŕ]C\b|¡C\b|œ(?!u)|õ(?!e)|[ìòù]\w|È[a-zà-ÿ]|è[aeiouáéíóú]|"
    r"[a-z][À-ÖØ-ÞŠŽŒŁŚ][a-z]|(?i:[бвгджзйклмнпрстфхцчшщьъ]{5})|"
    r"[A-Za-z][Ͱ-ӿ]|[Ͱ-ӿ][A-Za-z]"
)
"""What no language writes, though all the letters are its own."""
_BYTES = 1 << 16  # of different lines with such letters


def detect_one_byte(parts: Sequence[bytes]) -> str | None:
    """The name of the codec; None: in none of them it is the text of one language."""
    data = b"\n".join(parts)
    lines = [line for line in re.split(rb"[\r\n]+", data) if not line.isascii()]
    some = b"\n".join(dict.fromkeys(lines))[:_BYTES]
    for name, alphabets in _ENCODINGS:
        try:
            text = some.decode(name)
        except UnicodeDecodeError:
            continue
        outside = {c for c in text if c > "\x7f"} - {*_SYMBOLS}
        if any(outside <= {*alphabet} for alphabet in alphabets) and not _ODD.search(text):
            return name
    return None
