"""The query dialect as a tree, and what is said of texts that are none."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rta.errors import MalformedError
from rta.session_query import AllOf, AnyOf, Comparison, Not, Operator, parse_query
from rta.session_query.parse import MAX_CRITERIA, MAX_DEPTH, MAX_QUERY

A = Comparison("a", Operator.EQ, 1)
B = Comparison("b", Operator.EQ, "x")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", AllOf(())),
        ("  ", AllOf(())),
        ("{}", AllOf(())),
        ('{"a": 1}', A),
        ('{"a": {"$eq": 1}}', A),
        ('{"a": null}', Comparison("a", Operator.EQ, None)),
        ('{"a": 1, "b": "x"}', AllOf((A, B))),
        ('{"a": {"$gte": 1, "$lt": 5}}', AllOf((Comparison("a", Operator.GTE, 1), Comparison("a", Operator.LT, 5)))),
        ('{"a": {"$not": {"$gt": 1.5}}}', Not(Comparison("a", Operator.GT, 1.5))),
        ('{"$not": {"a": 1}}', Not(A)),
        ('{"$and": [{"a": 1}, {"b": "x"}]}', AllOf((A, B))),
        ('{"$or": [{"a": 1}, {"b": "x"}]}', AnyOf((A, B))),
        ('{"$nor": [{"a": 1}, {"b": "x"}]}', Not(AnyOf((A, B)))),
        ('{"$and": []}', AllOf(())),
        ('{"$or": []}', AnyOf(())),
        ('{"$or": [{}], "a": 1}', AllOf((AnyOf((AllOf(()),)), A))),
        ('{"a b.c": {"$in": [1, "x", true, null]}}', Comparison("a b.c", Operator.IN, (1, "x", True, None))),
        ('{"a": {"$nin": []}}', Comparison("a", Operator.NIN, ())),
        ('{"a": {"$contains": ""}}', Comparison("a", Operator.CONTAINS, "")),
        ('{"a": {"$startsWith": "x"}}', Comparison("a", Operator.STARTS_WITH, "x")),
        ('{"a": {"$endsWith": "x"}}', Comparison("a", Operator.ENDS_WITH, "x")),
        ('{"a": {"$neq": false}}', Comparison("a", Operator.NEQ, False)),
        ('{"a": {"$lte": "x"}}', Comparison("a", Operator.LTE, "x")),
    ],
)
def test_a_query_is_a_tree(text: str, tree: object) -> None:
    assert parse_query(text) == tree


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "the query is not JSON"),
        ("[]", "query: expected an object"),
        ('"a"', "query: expected an object"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "1" * 5000 + "}", "the query is not JSON"),
        ('{"": 1}', "query: a property has no name"),
        ('{"a": 1, "a": 2}', 'query: the key "a" is there twice'),
        ('{"a": {"$gt": 1, "$gt": 2}}', 'query.a: the key "$gt" is there twice'),
        ('{"$where": 1}', 'query: unknown operator "$where"; expected $and, $or, $nor or $not'),
        ('{"a": {"$ne": 1}}', 'query.a: unknown operator "$ne"; expected $eq, $neq'),
        ('{"a": {"b": 1}}', 'query.a: unknown operator "b"'),
        ('{"a": {}}', "query.a: the condition is empty"),
        ('{"a": [1]}', "query.a: expected a text, number, boolean, null or a condition"),
        ('{"a": {"$eq": {"b": 1}}}', "query.a.$eq: expected a text, number, boolean or null, got an object"),
        ('{"a": {"$contains": 1}}', "query.a.$contains: expected a text, got 1"),
        ('{"a": {"$startsWith": null}}', "query.a.$startsWith: expected a text, got null"),
        ('{"a": {"$in": "x"}}', "query.a.$in: expected a list"),
        ('{"a": {"$in": {}}}', "query.a.$in: expected a list"),
        ('{"a": {"$in": [1, [2]]}}', "query.a.$in[1]: expected a text"),
        ('{"a": {"$not": 1}}', "query.a.$not: expected a condition"),
        ('{"$and": {"a": 1}}', "query.$and: expected a list of objects, got an object"),
        ('{"$or": [{"a": 1}, 2]}', "query.$or[1]: expected an object"),
        ('{"$not": [1]}', "query.$not: expected an object"),
        ('{"$or": [{"a": {"$foo": 1}}]}', "query.$or[0].a: unknown operator"),
    ],
)
def test_what_is_no_query_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(MalformedError, match=re.escape(said)) as caught:
        parse_query(text)
    assert caught.value.kind == "query"
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("key", ["$and", "$nor", "$not"])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1000, 10_000])
def test_a_deep_query_is_refused(key: str, depth: int) -> None:
    text = '{"$not": ' * depth + "{}" + "}" * depth if key == "$not" else f'{{"{key}": [' * depth + "{}" + "]}" * depth
    with pytest.raises(MalformedError, match=r"nested too deeply|has \d+ characters"):
        parse_query(text)


def test_deep_lists_that_are_no_query_are_refused() -> None:
    with pytest.raises(MalformedError):
        parse_query('{"a": ' + "[" * 30_000 + "]" * 30_000 + "}")


def test_as_much_as_is_taken_is_taken() -> None:
    parse_query(json.dumps({"$or": [{"a": i} for i in range((MAX_CRITERIA - 2) // 2)]}))
    depth = (MAX_DEPTH - 1) // 2
    parse_query('{"$and": [' * depth + "{}" + "]}" * depth)
    parse_query('{"a": "' + "x" * (MAX_QUERY - 9) + '"}')


def test_more_is_refused() -> None:
    with pytest.raises(MalformedError, match=f"more than {MAX_CRITERIA} criteria"):
        parse_query(json.dumps({f"a{i}": i for i in range(MAX_CRITERIA)}))
    with pytest.raises(MalformedError, match=f"at most {MAX_QUERY} are taken"):
        parse_query(" " * (MAX_QUERY + 1))


keys = st.sampled_from(["a", "$and", "$or", "$nor", "$not", "$in", "$nin", "$eq", "$contains", "$foo", ""])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(json_values | st.dictionaries(keys, json_values))
def test_whatever_comes_is_a_tree_or_refused(document: object) -> None:
    with suppress(MalformedError):
        parse_query(json.dumps(document))
