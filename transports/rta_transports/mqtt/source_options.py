"""How the source of remote nodes is configured: the broker as for topics, and what to listen to there."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, define
from attrs.validators import ge

from rta.clock_bounds import AHEAD, BEHIND
from rta.formatting import shown
from rta.ports import Duration, option
from rta.rsmp.names import NODE, read_code, read_stream_name
from rta.rsmp.topics import valid_node
from rta_transports.mqtt.options import MqttTopicsOptions

__all__ = ["MqttSourceOptions", "read_stream"]

_GRACE = Duration(60.0)


def _nodes(_: object, attribute: Attribute[Any], value: list[str]) -> None:
    """Ids of nodes, in which `+` may stand for a level."""
    if not value:
        raise ValueError('expected at least one node, as in ["45fe", "dk/cph/+"]')
    for pattern in value:
        if not valid_node("/".join("x" if level == "+" else level for level in pattern.split("/"))):
            raise ValueError(f'expected node ids, in which "+" may stand for a level, got {shown(pattern)}')


def _streams(_: object, attribute: Attribute[Any], value: list[str]) -> None:
    """Streams, as CODE or CODE/STREAM."""
    for text in value:
        read_stream(text)


def read_stream(text: str) -> tuple[str, str]:
    """Code and name of `car.engine/live`; the name of `car.engine` is empty.

    :raises ValueError: it is neither.
    """
    code, _, name = text.partition("/")
    return read_code(code), read_stream_name(name)


@define(kw_only=True)
class MqttSourceOptions(MqttTopicsOptions):
    """Nodes that publish streams through an MQTT 5 broker, as sessions."""

    consumer: str = option(
        "Our id there, as a consumer and as a client of the broker; not the `node` of a site on the same broker.",
        validator=NODE,
    )
    nodes: list[str] = option("Ids of the nodes; `+` stands for any one level: `dk/cph/+`.", validator=_nodes)
    start: list[str] = option(
        "Streams to start at each of them, and to keep running: `car.engine/live`; `car.engine` is the unnamed one.",
        factory=list,
        validator=_streams,
    )
    heal: bool = option("Fetch what is missing, from nodes that keep a history.", True)
    grace: Duration = option(
        "How long a node, or our connection, may be lost without an end of the session.", _GRACE, validator=ge(0)
    )
    max_nodes: int = option("Nodes that are listened to; over it more are left out.", 1000, validator=ge(1))
    max_channels: int = option("Data channels of one node; over it more are left out.", 10_000, validator=ge(1))
    max_ahead: Duration | None = option(
        "How far ahead of our clock the time of an entry may be; over it the entry is left out.", Duration(AHEAD)
    )
    max_behind: Duration | None = option(
        "How far behind our clock the time of an entry may be; over it the entry is left out. What a node sends late, "
        "or plays from a recording, is old and right.",
        Duration(BEHIND),
    )
    password: str | None = option(
        "Better given as RTA_SOURCE__NAME__PASSWORD, or by password_file, than in a file others read.",
        None,
        secret=True,
    )
