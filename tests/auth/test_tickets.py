"""Tickets: what is written is read, and nothing else."""

from __future__ import annotations

import re

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from issuing import NOW, SECOND

from rta.auth.tickets import LIFE, SKEW, Ticket, read_ticket, write_ticket
from rta.ports.access import Role, Subject

KEY = b"k" * 32
ENDS = NOW + LIFE
TICKET = Ticket("1f", Subject("anna", Role.READ, NOW + 600 * SECOND, "mark"), "s-1", "https://rta.example.com", ENDS)
TEXTS = st.text(max_size=200)
SUBJECTS = st.builds(Subject, TEXTS, st.none() | st.sampled_from(Role), st.none() | st.integers(0, 1 << 62), TEXTS)


@given(st.builds(Ticket, TEXTS, SUBJECTS, TEXTS, TEXTS, st.just(ENDS)))
def test_a_ticket_is_read_as_it_was_written_and_is_a_name_of_a_sub_protocol(ticket):
    text = write_ticket(ticket, KEY)
    assert read_ticket(text, KEY, NOW) == ticket
    assert re.fullmatch(r"[A-Za-z0-9._-]+", text)


def test_the_longest_names_fit():
    long = Ticket(
        "f" * 32, Subject("\U0001f3ce" * 403, Role.READ, ENDS, "f" * 64), "\U0001f3ce" * 1000, "o" * 300, ENDS
    )
    assert read_ticket(write_ticket(long, KEY), KEY, NOW) == long


def test_it_counts_until_its_end_and_for_no_longer_than_it_may():
    text = write_ticket(TICKET, KEY)
    assert read_ticket(text, KEY, ENDS + SKEW - 1) == TICKET
    assert read_ticket(text, KEY, ENDS + SKEW) is None
    assert read_ticket(text, KEY, NOW - SKEW) == TICKET
    assert read_ticket(text, KEY, NOW - SKEW - 1) is None


def test_another_key_has_not_signed_it():
    assert read_ticket(write_ticket(TICKET, b"K" * 32), KEY, NOW) is None


def test_what_one_ticket_says_is_not_signed_by_another():
    body, signature = write_ticket(TICKET, KEY).split(".")
    other = write_ticket(evolve(TICKET, identity="s-2"), KEY).split(".")[0]
    assert read_ticket(f"{other}.{signature}", KEY, NOW) is None
    assert read_ticket(body, KEY, NOW) is None


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{43}", fullmatch=True))
def test_any_other_text_is_no_ticket(text):
    assert read_ticket(text, KEY, NOW) is None


@given(st.integers(0, 400), st.sampled_from("ABab01-_."))
def test_a_ticket_with_another_letter_is_none(place, letter):
    text = write_ticket(TICKET, KEY)
    place %= len(text) - 1  # the last letter has bits that are of no byte
    changed = text[:place] + letter + text[place + 1 :]
    assert changed == text or read_ticket(changed, KEY, NOW) is None


def test_nothing_of_it_is_shown():
    assert "mark" not in repr(TICKET)
