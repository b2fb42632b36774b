"""Claims of any shape become a role."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.auth import AuthSettings
from rta.auth.roles import RoleRules, role_of_claims
from rta.ports.access import Role


def role(claims, claim="roles", **changed):
    return role_of_claims(claims, RoleRules.of(AuthSettings(roles_claim=claim, **changed)))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"roles": "administer"}, Role.ADMINISTER),
        ({"roles": "profile operate email"}, Role.OPERATE),
        ({"roles": ["operate", "administer"]}, Role.ADMINISTER),
        ({"roles": {"operate": {"org": "x"}}}, Role.OPERATE),
        ({"roles": ["administer2", "Operate"]}, Role.READ),
        ({"roles": [["administer"], {"administer": 1}, 7, None]}, Role.READ),
        ({"roles": 7}, Role.READ),
        ({"roles": True}, Role.READ),
        ({"roles": None}, Role.READ),
        ({}, Role.READ),
        ({"roles": ["x"] * 1000 + ["administer"]}, Role.READ),
    ],
)
def test_a_claim_is_words_a_list_or_a_table(claims, expected):
    assert role(claims) == expected


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["operate"]}}),
        ("https://example.com/roles", {"https://example.com/roles": ["operate"]}),
        ("resource_access.rta.example.roles", {"resource_access": {"rta.example.roles": ["operate"]}}),
        ("a.b", {"a.b": "operate", "a": {"b": "administer"}}),
    ],
)
def test_a_path_leads_to_the_claim(claim, claims):
    assert role(claims, claim) == Role.OPERATE


@pytest.mark.parametrize(
    "claims", [{"a": "operate"}, {"a": ["operate"]}, {"a": {"b": {"c": "operate"}}}, {"b": "operate"}]
)
def test_a_path_that_leads_elsewhere_gives_nothing(claims):
    assert role(claims, "a.b") == Role.READ


def test_without_a_claim_a_token_reads():
    assert role({"roles": "administer"}, None) == Role.READ


def test_where_readers_are_named_others_may_nothing():
    assert role({"roles": "guest"}, readers=["viewer"]) is None
    assert role({"roles": "viewer"}, readers=["viewer"]) == Role.READ
    assert role({"roles": "operate"}, readers=["viewer"]) == Role.OPERATE


NAMES = st.sampled_from(["viewer", "operate", "administer", "other"])


@given(st.lists(NAMES), NAMES)
def test_one_more_value_never_takes_a_role_away(values, more):
    before, after = (role({"roles": v}, readers=["viewer"]) or 0 for v in (values, [*values, more]))
    assert after >= before
