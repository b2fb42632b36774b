"""Which sessions are asked for: criteria, order and page. No I/O."""

from rta.session_query.criteria import AllOf, AnyOf, Comparison, Criterion, Not, Operator, Scalar
from rta.session_query.instant import read_instant
from rta.session_query.list_request import ListRequest, read_list_request
from rta.session_query.parse import parse_query
from rta.session_query.query import EVERYTHING, NEWEST_FIRST, Property, SessionQuery, SortKey

__all__ = [
    "EVERYTHING",
    "NEWEST_FIRST",
    "AllOf",
    "AnyOf",
    "Comparison",
    "Criterion",
    "ListRequest",
    "Not",
    "Operator",
    "Property",
    "Scalar",
    "SessionQuery",
    "SortKey",
    "parse_query",
    "read_instant",
    "read_list_request",
]
