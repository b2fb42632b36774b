"""Remote nodes as sessions: what becomes of what others publish over topics. Plain: told what has come, and when."""

from rta_transports.mqtt.sessions.channels import KnownChannels, read_channels
from rta_transports.mqtt.sessions.following import followed_nodes
from rta_transports.mqtt.sessions.node_sessions import Instant
from rta_transports.mqtt.sessions.remote_sessions import RemoteSessions

__all__ = ["Instant", "KnownChannels", "RemoteSessions", "followed_nodes", "read_channels"]
