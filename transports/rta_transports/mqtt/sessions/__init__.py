"""Remote nodes as sessions: what becomes of what others publish over topics. Plain: told what has come, and when."""

from rta_transports.mqtt.sessions.channels import ChannelIds, ValueOrigin
from rta_transports.mqtt.sessions.memory import Memory, read_memory, write_memory
from rta_transports.mqtt.sessions.node_sessions import Instant
from rta_transports.mqtt.sessions.remote_sessions import RemoteSessions
from rta_transports.mqtt.sessions.spelling import NODES, ONE_NODE, STREAMS, read_stream

__all__ = [
    "NODES",
    "ONE_NODE",
    "STREAMS",
    "ChannelIds",
    "Instant",
    "Memory",
    "ValueOrigin",
    "RemoteSessions",
    "read_memory",
    "read_stream",
    "write_memory",
]
