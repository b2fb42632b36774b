"""The parts that the operations of our OpenAPI document share: parameters, answers, documents."""

from __future__ import annotations

from typing import Any

from rta.rest.configurations import CONFIGURATION
from rta.rest.data import CHUNKED
from rta.rest.packed_entries import ENTRIES
from rta.rest.problem import PROBLEM
from rta.stream.definition import Aggregate, Trigger

__all__ = ["ANSWERS", "PARAMETERS", "SCHEMAS", "SECURITY", "TAGGED"]

Document = dict[str, Any]

_NS = {"type": "integer", "format": "int64", "minimum": 0, "maximum": (1 << 63) - 1}
_POSITION = {"type": "string", "pattern": "^[0-9]{1,19}-[0-9]{1,19}$", "examples": ["1700000000000-0"]}
_POINT = {
    "type": "string",
    "pattern": "^[0-9]{1,19}-[0-9]{1,19}:[0-9]{1,19}:[A-Za-z0-9_.~-]{1,1000}$",
    "examples": ["1700000000000-0:42:car"],
}
_DECIMAL = {"type": "string", "pattern": "^-?[0-9]+$"}
_ITEM = "([0-9A-Fa-f]{1,8}|[0-9A-Fa-f]{1,8}-|-[0-9A-Fa-f]{1,8}|-)"
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_MOMENT = {"type": "string", "format": "date-time"}
_ROLE = {"type": "string", "pattern": "^(read|operate|administer)$"}


def _object(required: Document, optional: Document | None = None, **more: Any) -> Document:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties, **more}


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(kind: Document) -> Document:
    return {"anyOf": [kind, {"type": "null"}]}


SCHEMAS: Document = {
    "Problem": _object(
        {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
        {"field": {**_TEXT, "description": "The parameter that is wrong."}},
        description="RFC 9457. `detail` says what is wrong and what would be right.",
    ),
    "Refusal": _object({"reason": _TEXT}, {"field": _TEXT}),
    "Auth": {
        "type": "object",
        "description": "How to sign in: the issuer, and whether there are tokens of our own.",
        "properties": {"required": {"type": "boolean"}, "tokens": {"type": "boolean"}},
    },
    "Info": _object({}, {"label": _TEXT, "description": _TEXT, "timezone": _TEXT, "auth": _ref("Auth")}),
    "Whoami": _object({"name": _TEXT, "role": _ROLE, "ends": _nullable(_MOMENT)}),
    "TicketRequest": _object({"session": {"type": "string", "minLength": 1}}, additionalProperties=False),
    "Ticket": _object({"ticket": _TEXT, "expires": _MOMENT}),
    "Session": {
        "type": "object",
        "description": "As its writer wrote it, with the time range that is known now.",
        "examples": [{"identity": "f10f", "state": "closed", "identifier": "Demo", "details": {"Run": 17}}],
    },
    "Sessions": _object({"sessions": _list(_ref("Session"))}),
    "Configuration": {"type": "object", "description": "Applications by name; see docs/protocol.md."},
    "Metamodel": {"type": "object", "description": "Properties that sessions have, by name."},
    "Properties": _list(_object({"id": _TEXT, "label": _TEXT}, {"description": _TEXT})),
    "Folders": _list(
        _object({"identity": _TEXT, "label": _TEXT}, {"description": _TEXT, "hasChildren": {"type": "boolean"}})
    ),
    "ChannelOverview": _object(
        {
            "channel": {"type": "integer", "minimum": 0, "maximum": (1 << 32) - 1},
            "start": _list(_DECIMAL),
            "end": _list(_DECIMAL),
            "count": _list(_COUNT),
            **{name: _list(_nullable({"type": "number"})) for name in ("min", "max", "mean")},
        },
        description="Stretches without samples are left out; an infinite value is null.",
    ),
    "Overview": _object({"channels": _list(_ref("ChannelOverview"))}),
    "Hole": _object({"after": _POSITION, "upto": _POSITION, "reason": _TEXT}),
    "Run": _object(
        {
            "stream": _TEXT,
            "sessionId": _DECIMAL,
            "start": _POSITION,
            "upto": _POSITION,
            "heldFrom": _POSITION,
            "holes": _list(_ref("Hole")),
        }
    ),
    "Recording": _object(
        {
            "identity": _TEXT,
            "sealed": {"type": "boolean"},
            "version": _TEXT,
            "bytes": _COUNT,
            "timeRange": _nullable(_object({"startTime": _DECIMAL, "endTime": _DECIMAL})),
            "flushPoint": _nullable(_POINT),
            "runs": _list(_ref("Run")),
            "json": {**_TEXT, "description": "The session JSON as it was written."},
        }
    ),
    "AlarmChange": _object({"ts": _MOMENT, "active": {"type": "boolean"}, "values": {"type": "object"}}),
    "Alarm": _object(
        {"code": _TEXT, "active": {"type": "boolean"}},
        {"history": {**_list(_ref("AlarmChange")), "description": "The newest last; with `history=true`."}},
    ),
    "Alarms": _object({"alarms": _list(_ref("Alarm"))}),
    "Gap": _object({"after_seq": _COUNT, "before_seq": _COUNT, "since": _MOMENT, "until": _MOMENT, "missing": _COUNT}),
    "RemoteStream": _object(
        {
            "code": _TEXT,
            "name": _TEXT,
            "state": _nullable(_TEXT),
            "ts": _nullable(_MOMENT),
            "seq": _nullable(_COUNT),
            "received": _nullable(_MOMENT),
            "gaps": _list(_ref("Gap")),
            **dict.fromkeys(("entries", "healed", "given_up", "lost"), _COUNT),
            "replaying": {"type": "boolean"},
        }
    ),
    "Node": _object(
        {
            "id": _TEXT,
            "source": _TEXT,
            "presence": {"enum": ["online", "offline", "shutdown", "unknown"]},
            "since": _nullable(_MOMENT),
            "retained": {"type": "boolean", "description": "It had been said before we listened."},
            "session": {**_nullable(_TEXT), "description": "The identity of its session, if one is open."},
            "heals": {"type": "boolean", "description": "What is missing is fetched."},
            "streams": {**_nullable(_list(_ref("RemoteStream"))), "description": "Null: too many; ask by node."},
        }
    ),
    "Nodes": _object({"nodes": _list(_ref("Node"))}),
    "Stream": {
        "type": "object",
        "description": "The settings of a stream and its state; see docs/streams.md.",
        "properties": {
            "last": _nullable(
                _object(
                    {"ts": _MOMENT, "seq": _COUNT, "values": _nullable({"type": "object"})},
                    description="The newest entry; in a list, many values are null.",
                )
            )
        },
    },
    "Streams": _object({"streams": _list(_ref("Stream"))}),
    "Nothing": {"type": "object", "maxProperties": 0},
    "Start": _object(
        {},
        {
            "timeout": _nullable({"type": "number", "exclusiveMinimum": 0, "maximum": 10 * 366 * 86400}),
            "consumer": _nullable(_TEXT),
        },
        additionalProperties=False,
    ),
}


def _setting(*kinds: Document) -> Document:
    return {"anyOf": [*kinds, {"type": "null"}]}


def _or_empty(least: int, most: int, default: int) -> Document:
    """A number, or nothing for the default."""
    return {"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, {"const": ""}], "default": default}


_SPAN = ({"type": "number", "minimum": 0}, _TEXT)
_SETTINGS: Document = {
    "description": _setting(_TEXT),
    "attributes": _setting({"type": "object", "additionalProperties": {"enum": [t.value for t in Trigger]}}),
    "aggregate": _setting(
        {"type": "object", "additionalProperties": _list({"enum": [kind.value for kind in Aggregate]})}
    ),
    **{name: _setting(*_SPAN) for name in ("update", "first_within", "delta", "min_interval", "batch", "lateness")},
    "first": _setting({"enum": ["now", "known"]}),
    "empty": _setting({"enum": ["null", "zero"]}),
    "default": _setting({"enum": ["on", "off"]}),
    "qos": _setting({"enum": [0, 1]}),
    **{name: _setting({"type": "object"}) for name in ("prune", "history", "replay")},
}

_SCALAR: Document = {"type": ["string", "number", "boolean", "null"]}
SCHEMAS["Query"] = {
    "type": "object",
    "description": "As JSON in at most 64 Ki characters; docs/rest.md, Queries, has the operators of conditions.",
    "properties": {
        **{name: _list(_ref("Query")) for name in ("$and", "$or", "$nor")},
        "$not": _ref("Query"),
    },
    "patternProperties": {"^[^$]": {"anyOf": [_SCALAR, _ref("Condition")]}},
    "additionalProperties": False,
    "examples": [{"identifier": {"$contains": "-20200313-"}, "details.driver": {"$in": ["SAI", "RIC"]}}],
}
SCHEMAS["Condition"] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("$eq", "$neq", "$gt", "$gte", "$lt", "$lte"), _SCALAR),
        **dict.fromkeys(("$startsWith", "$endsWith", "$contains"), _TEXT),
        **{name: _list(_SCALAR) for name in ("$in", "$nin")},
        "$not": _ref("Condition"),
    },
    "minProperties": 1,
    "additionalProperties": False,
}
SCHEMAS["Settings"] = {
    "type": "object",
    "description": "Null is the default; docs/configuration.md has the meaning of each.",
    "properties": _SETTINGS,
    "minProperties": 1,
    "additionalProperties": False,
}
SCHEMAS["NewStream"] = {
    "type": "object",
    "required": ["code"],
    "properties": {"code": {"type": "string", "minLength": 1}, "name": _setting(_TEXT), **_SETTINGS},
    "additionalProperties": False,
}

_YES_OR_NO: Document = {"enum": ["true", "false", "1", "0", "yes", "no", ""]}
_CHANNELS = {
    "type": "string",
    "pattern": f"^{_ITEM}(,{_ITEM})*$",
    "examples": ["-5,7,B-D,14-", "-"],
}
_DESCRIBED: dict[str, tuple[str, Document, str]] = {
    "identity": ("path", {"type": "string", "minLength": 1}, "Of a session."),
    "identifier": ("path", {"type": "string", "minLength": 1}, "Of a configuration."),
    "channels": (
        "path",
        _CHANNELS,
        "Hexadecimal ids and ranges of them, at most 2048 in 16 KiB; `-` is all.",
    ),
    "file": ("path", {"type": "string", "minLength": 1}, "As the page names it."),
    "parent": ("path", {"type": "string", "minLength": 1}, "A folder."),
    "code": ("path", {"type": "string", "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$"}, "Of a status."),
    "stream": (
        "path",
        {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$"},
        "A stream of the status; `default` is the unnamed one.",
    ),
    "start": ("query", _NS, "ns since the Unix epoch, inclusive."),
    "end": ("query", _NS, "ns since the Unix epoch, inclusive."),
    "upto": ("query", _POINT, "A flush point: nothing that was recorded behind it."),
    "after": ("query", _POINT, "A flush point: entries behind it."),
    "upto_position": ("query", _POSITION, "A position: no entries behind it."),
    "bytes": ("query", {"type": "integer", "minimum": 1, "maximum": 4 << 20, "default": 1 << 20}, "Of bursts."),
    "points": ("query", {"type": "integer", "minimum": 1, "maximum": 5000, "default": 1000}, "Stretches wanted."),
    "format": ("query", {"enum": ["csv", "parquet", "arrow", "mcap"], "default": "csv"}, "Of the file."),
    "parameters": ("query", _list(_TEXT), "Those that are wanted, by name or id, one each time; none: all."),
    "events": ("query", {"enum": ["true", "false"], "default": "false"}, "The events instead of the samples."),
    "absent": ("query", {"const": "null"}, "Where nothing is recorded the answer is null, and no 404."),
    "pageSize": ("query", _or_empty(0, 10_000, 1000), "Sessions of a page."),
    "pageIndex": ("query", _or_empty(0, 10**9, 0), "Which page."),
    "folder": ("query", _TEXT, "Only what is in this folder, or below it."),
    "sort": ("query", _TEXT, "`property:asc` or `property:desc`; several by commas or given again."),
    "prop": ("query", _TEXT, "A property that is left out otherwise; may be given again."),
    "property_query": ("query", _TEXT, "A part of the property's id."),
    "status_code": ("query", _TEXT, "Only streams of this status."),
    "active": ("query", _YES_OR_NO, "Only alarms that are active."),
    "history": ("query", _YES_OR_NO, "With when each was raised and cleared."),
    "node": ("query", _TEXT, "Only nodes of this id."),
    "source": ("query", _TEXT, "Only nodes of this source."),
}
_NAMES = {"upto_position": "upto", "property_query": "query", "status_code": "code"}
_REQUIRED = {"after"}

PARAMETERS: Document = {
    key: {
        "name": _NAMES.get(key, key),
        "in": place,
        "required": place == "path" or key in _REQUIRED,
        "schema": schema,
        "description": text,
    }
    for key, (place, schema, text) in _DESCRIBED.items()
}


def _answer(text: str, kind: str, schema: Document | None, headers: tuple[str, ...] = ()) -> Document:
    content: Document = {kind: {} if schema is None else {"schema": schema}}
    found: Document = {"description": text, "content": content}
    if headers:
        found["headers"] = {name: _HEADERS[name] for name in headers}
    return found


_HEADERS: Document = {
    "RTA-Flush-Point": {"schema": _POINT, "description": "The answer has all that is wanted up to here."},
    "RTA-Damaged-Chunks": {"schema": {"type": "integer"}, "description": "So many were left out."},
    "RTA-Position": {"schema": _POSITION, "description": "Entries up to here have been read."},
    "RTA-Lost": {"schema": {"enum": ["true", "false"]}, "description": "What comes next is not held any more."},
    "RTA-Incomplete": {"schema": _TEXT, "description": "What is missing as another service does not answer."},
    "ETag": {"schema": _TEXT, "description": "For If-None-Match."},
}
_JSON = "application/json"
_BINARY = {"type": "string", "format": "binary"}

_EXPORTED = ("vnd.apache.parquet", "vnd.apache.arrow.stream", "octet-stream")

ANSWERS: Document = {
    "Text": _answer("Text.", "text/plain", _TEXT),
    "Unhealthy": _answer("The reasons, a line each; for whoever may not read, `Unhealthy`.", "text/plain", _TEXT),
    "Page": _answer("The page.", "text/html", _TEXT),
    "PageFile": {
        "description": "The file.",
        "content": {f"text/{kind}": {"schema": _TEXT} for kind in ("javascript", "css", "html", "plain")},
    },
    "OpenApi": _answer("This document.", _JSON, {"type": "object"}, ("ETag",)),
    "Chunks": _answer(
        "Chunks, streamed: see docs/rest.md.", CHUNKED, _BINARY, ("RTA-Flush-Point", "RTA-Damaged-Chunks", "ETag")
    ),
    "Entries": _answer("Entries, packed: see docs/rest.md.", ENTRIES, _BINARY, ("RTA-Position", "RTA-Lost")),
    "Configuration": _answer("It never changes.", CONFIGURATION, _ref("Configuration"), ("ETag",)),
    "Export": {
        "description": "The file, streamed.",
        "headers": {name: _HEADERS[name] for name in ("RTA-Flush-Point", "ETag")},
        "content": {
            "text/csv": {"schema": _TEXT},
            **{f"application/{kind}": {"schema": _BINARY} for kind in _EXPORTED},
        },
    },
    "Whoami": _answer("Name, role, and when the credentials end.", _JSON, _ref("Whoami")),
    "Ticket": _answer("For the sub-protocol rta.ticket.TICKET, once.", _JSON, _ref("Ticket")),
    "Sessions": _answer("A page of sessions.", _JSON, _ref("Sessions"), ("RTA-Incomplete", "ETag")),
    "Recording": _answer("What is recorded.", _JSON, _nullable(_ref("Recording"))),
    "Overview": _answer("Channel by channel.", _JSON, _ref("Overview"), ("ETag",)),
    **{
        name: _answer(text, _JSON, _ref(name), ("ETag",))
        for name, text in (
            ("Info", "What the site is called, for those who may read, and how to sign in."),
            ("Session", "The session."),
            ("Metamodel", "The metamodel."),
            ("Properties", "Those that fit."),
            ("Folders", "Folders in it."),
            ("Alarms", "The alarms."),
            ("Nodes", "The nodes."),
            ("Stream", "The stream."),
            ("Streams", "The streams."),
        )
    },
    "Held": {"description": "The client has it already."},
    "Done": {"description": "Done."},
    "TooLong": _answer("The head of the request is too long.", "text/plain", _TEXT),
    "Problem": _answer("It is not granted.", PROBLEM, _ref("Problem")),
    "Refusal": _answer("It is refused.", _JSON, _ref("Refusal")),
}
"""By the names under which operations refer to them."""

TAGGED = frozenset(
    (
        *("Info", "OpenApi", "Sessions", "Session", "Metamodel", "Properties", "Folders"),
        *("Alarms", "Nodes", "Stream", "Streams"),
    )
)
"""Those that have an entity tag of their body: see `rta.rest.tagged`."""

SECURITY: Document = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of the issuer, or one of ours: /rta/v2/info says which.",
    },
    "certificate": {"type": "mutualTLS", "description": "A client certificate whose subject has a role."},
}
"""Ways to sign in. The roles behind them are what is needed."""
