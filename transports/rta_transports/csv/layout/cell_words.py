"""The words that stand for a value in a cell: that there is none, yes and no; and those of lines below the rows."""

from __future__ import annotations

import re

__all__ = ["LETTER_PAIRS", "NOT_FINITE", "SWITCHES", "SWITCH_LETTERS", "TRUTHS", "is_missing", "is_total"]

_NOTHING = r"""
. .. ... * ? ?? - -- --- – — \n <na> <null> (null) null nil none nan -nan na n/a n.a. n.a n/d nd n.d. n.v. n.v.t. nv nat
#n/a #na #nv #n/d #bezug! #div/0! #name? #null! #num! #ref! #value! #wert! #valeur! #¡valor! #valor! #waarde! #arg!
#adr! #dzl/0! #zahl! #error! #error 1.#qnan -1.#qnan 1.#ind -1.#ind 1.#nan missing nodata undef undefined k.a. s/d
s.d. b.d.
"""
_MISSING = frozenset(_NOTHING.split()) | {"no data", "not available", "not a number", "k. a.", "s. d."}
NOT_FINITE = frozenset(["inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"])

TRUTHS = {"true": 1, "false": 0}
_PAIRS = """
yes no|on off|ja nein|ja nee|ja nej|ja nei|wahr falsch|oui non|vrai faux|si no|sí no|sì no|verdadero falso|vero falso
sim não|verdadeiro falso|waar onwaar|sann falsk|sant falskt|sand falsk|tak nie|prawda fałsz|ano ne|igen nem|igaz hamis
kyllä ei|tosi epätosi|да нет|истина ложь
"""
SWITCHES = {
    word: value
    for pair in _PAIRS.strip().replace("\n", "|").split("|")
    for word, value in zip(pair.split(), (1, 0), strict=True)
}
"""Words that are 1 and 0 where a column holds nothing else."""
SWITCH_LETTERS = {"y": 1, "j": 1, "t": 1, "n": 0, "f": 0}
LETTER_PAIRS = ({"y", "n"}, {"j", "n"}, {"t", "f"})
"""Letters are switches where both of a pair are there: one alone may be a direction, a gear or a state."""


_TOTAL = re.compile(
    r"(?:(?:grand|sub)?[ -]?total(?:e|es|s)?|totaal|sum|summe|gesamt(?:summe)?|somma|suma|somme|summa|yhteensä|razem"
    r"|celkem|average|avg|mean|mittelwert|durchschnitt|moyenne|media|promedio|gemiddelde?|średnia|medelvärde|median"
    r"|min(?:imum)?|max(?:imum)?|std\.?(?: ?dev\.?)?|count|anzahl)\b:?[ \d.,]*|\(\d+ rows?\)",
    re.IGNORECASE,
)


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value; blank ones, and all that people write."""
    return not text or text.casefold() in _MISSING


def is_total(text: str) -> bool:
    """Whether the first cell of a line that is no row says that totals, means or extremes stand beside it."""
    return _TOTAL.fullmatch(text.strip()) is not None
