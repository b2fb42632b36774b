"""The ports: what the core asks of the outside. Transports import this and `rta.wire`, nothing else of `rta`."""

from rta.errors import (
    MalformedError,
    NotConnectedError,
    QueueFullError,
    RtaError,
    TransportError,
    UndeliverableError,
    UnreadableError,
)
from rta.ports.burst_log import BurstLog, Tail
from rta.ports.edge import AsgiApp, ClientGone, CloseCode, Edge, FrameConnection, Handler
from rta.ports.finding import Finding, Severity
from rta.ports.inspection import Detected, InspectedColumn, InspectedFault, Inspection
from rta.ports.options import HELP, Duration, Size, Spelled, key_of, option
from rta.ports.source import (
    CloseSession,
    OpenSession,
    Publish,
    SessionBurst,
    Source,
    SourceUpdate,
    UpdateSession,
)
from rta.ports.subscription_queue import SubscriptionQueue
from rta.ports.topic_bus import (
    Done,
    Link,
    Qos,
    TopicBus,
    TopicMessage,
    TopicSubscription,
    Will,
    topic_matches,
    valid_filter,
    valid_topic,
)
from rta.ports.transport import GROUP, Context, Offer, Reporter, Transport, available, load_transport
from rta.ports.values import START, Batch, Entry, Position, SessionRecord, StreamSessionId, Trim
from rta.ports.zones import find_zone

__all__ = [
    "GROUP",
    "HELP",
    "START",
    "AsgiApp",
    "Batch",
    "BurstLog",
    "ClientGone",
    "CloseCode",
    "CloseSession",
    "Context",
    "Detected",
    "Done",
    "Duration",
    "Edge",
    "Entry",
    "Finding",
    "FrameConnection",
    "Handler",
    "InspectedColumn",
    "InspectedFault",
    "Inspection",
    "Link",
    "MalformedError",
    "Offer",
    "OpenSession",
    "Position",
    "Publish",
    "Qos",
    "Reporter",
    "RtaError",
    "SessionBurst",
    "SessionRecord",
    "Severity",
    "Size",
    "Source",
    "SourceUpdate",
    "Spelled",
    "StreamSessionId",
    "SubscriptionQueue",
    "Tail",
    "TopicBus",
    "TopicMessage",
    "TopicSubscription",
    "Transport",
    "NotConnectedError",
    "QueueFullError",
    "TransportError",
    "UnreadableError",
    "Trim",
    "UndeliverableError",
    "UpdateSession",
    "Will",
    "available",
    "find_zone",
    "key_of",
    "load_transport",
    "option",
    "topic_matches",
    "valid_filter",
    "valid_topic",
]
