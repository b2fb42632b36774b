"""Which sessions are asked for: criteria, order and page. No I/O."""

from rta.session_query.criteria import AllOf, AnyOf, Comparison, Criterion, Not, Operator, Scalar
from rta.session_query.query import Property, SessionQuery, SortKey

__all__ = [
    "AllOf",
    "AnyOf",
    "Comparison",
    "Criterion",
    "Not",
    "Operator",
    "Property",
    "Scalar",
    "SessionQuery",
    "SortKey",
]
