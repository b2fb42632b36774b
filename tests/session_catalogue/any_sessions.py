"""Sessions and queries for Hypothesis, with values that are hard to compare, to sort, or to put into a statement."""

from __future__ import annotations

from hypothesis import strategies as st

from rta.session_query import AllOf, AnyOf, Comparison, Criterion, Not, Operator, SessionQuery, SortKey

IDENTITIES = ("a", "b", "c", "d", "é", "a\0", "x'; DROP TABLE sessions; --", "2021-05-06T10:00:00Z")
TEXTS = (
    *(
        "",
        "a",
        "A",
        "ab",
        "aB",
        "ba",
        "ß",
        "SS",
        "é",
        "\0",
        "a\0b",
        "\0b",
        "%",
        "_",
        "'",
        '"',
        "' OR 1=1 --",
        ":v0",
        "?",
    ),
    *("2021-05-06", "2021-05-06T10:00:00Z", "2021-05-06T12:00:00+02:00", "2021-05-06T10:00:00.5Z", "\U0001f600", "17"),
)
NUMBERS = (0, -0.0, 1, 1.0, 1.5, 17, -3, 2**53 + 1, float(2**53), 2**63 - 1, 2**63, -(2**70), 1e300)
scalars = st.sampled_from((None, True, False, *NUMBERS, *TEXTS))
NAMES = ("x", "Lab Tech", "a.b", "a", "'", "")
ext_details = st.dictionaries(st.sampled_from(("g", "g.a", "a")), st.dictionaries(st.sampled_from(NAMES), scalars))
fields = {
    "timestamp": scalars,
    "startTimestamp": scalars,
    "identifier": scalars,
    "group": st.sampled_from(("g", "h")),
    "version": scalars,
    "children": st.lists(st.sampled_from(IDENTITIES), max_size=2),
    "alternates": st.lists(st.sampled_from(IDENTITIES), max_size=1),
    "details": st.dictionaries(st.sampled_from(NAMES), scalars),
    "extDetails": ext_details,
}
documents = st.fixed_dictionaries({}, optional=fields)
sessions = st.dictionaries(st.sampled_from(IDENTITIES), documents, max_size=6)
PATHS = (
    *("identity", "timestamp", "startTimestamp", "identifier", "group", "version", "children", "alternates", "nothing"),
    *("details.x", "details.Lab Tech", "details.a.b", "details.a", "details.", "details.'", "details", "extDetails.g"),
    *("extDetails.g.x", "extDetails.g.a.b", "extDetails.g.a", "extDetails.g.a.x", "extDetails.a.a.b", "'; --"),
)
paths = st.sampled_from(PATHS)
LISTS = (Operator.IN, Operator.NIN)
PARTS = (Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS)
OTHERS = tuple(o for o in Operator if o not in (*LISTS, *PARTS))
comparisons = st.one_of(
    st.builds(Comparison, paths, st.sampled_from(LISTS), st.lists(scalars, max_size=4).map(tuple)),
    st.builds(Comparison, paths, st.sampled_from(PARTS), st.sampled_from(TEXTS)),
    st.builds(Comparison, paths, st.sampled_from(OTHERS), scalars),
)


def groups(inner: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(AllOf, several), st.builds(AnyOf, several), st.builds(Not, inner))


queries = st.builds(
    SessionQuery,
    criterion=st.recursive(comparisons, groups, max_leaves=8),
    sort=st.lists(st.builds(SortKey, paths, st.booleans()), max_size=3, unique_by=lambda k: k.path).map(tuple),
    offset=st.integers(0, 4),
    limit=st.none() | st.integers(0, 5),
    folder=st.none() | st.sampled_from(("g", "'")),
    top_level=st.booleans(),
    without=st.frozensets(st.sampled_from(IDENTITIES), max_size=3),
)
