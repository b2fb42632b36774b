"""Sessions and their properties in tables of SQLite: for queries, lists and the metamodel. Blocking code.

Transports that keep sessions use it too: they have the connection and its transactions.
"""

from rta.session_catalogue.find import FoundPlace, FoundSession, find_places, find_sessions, sub_sessions
from rta.session_catalogue.order import SortValue, listing_order, sort_values
from rta.session_catalogue.properties import SessionProperty, ValueKind, read_properties, read_usual, storable
from rta.session_catalogue.survey import MAX_VALUES, merge_properties, survey_properties
from rta.session_catalogue.tables import create_catalogue, put_session, remove_session

__all__ = [
    "MAX_VALUES",
    "FoundPlace",
    "FoundSession",
    "SessionProperty",
    "SortValue",
    "ValueKind",
    "create_catalogue",
    "find_places",
    "find_sessions",
    "listing_order",
    "merge_properties",
    "put_session",
    "read_properties",
    "read_usual",
    "remove_session",
    "sort_values",
    "storable",
    "sub_sessions",
    "survey_properties",
]
