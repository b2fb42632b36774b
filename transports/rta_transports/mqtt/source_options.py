"""How the source of remote nodes is configured: the broker as for topics, and what to listen to there."""

from __future__ import annotations

import attrs
from attrs import define
from attrs.validators import ge

from rta.ports import HELP, Duration, option
from rta_transports.mqtt.options import MqttTopicsOptions
from rta_transports.mqtt.sessions import NODES, ONE_NODE, STREAMS

__all__ = ["MqttSourceOptions"]

_GRACE = Duration(60.0)


@define(kw_only=True)
class MqttSourceOptions(MqttTopicsOptions):
    """Nodes that publish streams through an MQTT 5 broker, as sessions."""

    consumer: str = option(
        "Our id there, as a consumer and as a client of the broker; not the `node` of a site on the same broker.",
        validator=ONE_NODE,
    )
    nodes: list[str] = option("Ids of the nodes; `+` stands for any one level: `dk/cph/+`.", validator=NODES)
    start: list[str] = option(
        "Streams to start at each of them, and to keep running: `car.engine/live`; `car.engine` is the unnamed one.",
        factory=list,
        validator=STREAMS,
    )
    heal: bool = option("Fetch what is missing, from nodes that keep a history.", True)
    grace: Duration = option(
        "How long a node, or our connection, may be lost without an end of the session.", _GRACE, validator=ge(0)
    )
    max_nodes: int = option("Nodes that are listened to; over it more are left out.", 1000, validator=ge(1))
    max_channels: int = option("Data channels of one node; over it more are left out.", 10_000, validator=ge(1))
    password: str | None = attrs.field(
        default=None,
        repr=False,
        metadata={HELP: "Better given as RTA_SOURCE__NAME__PASSWORD, or by password_file, than in a file others read."},
    )
