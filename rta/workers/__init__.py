"""Several processes behind one port: the supervisor, its workers, and what workers ask of each other."""

from rta.workers.exchange import MetricsExchange, merge_metrics
from rta.workers.forwarding import ForwardingApp
from rta.workers.held_port import hold_port
from rta.workers.local_http import serve_locally
from rta.workers.membership import Membership
from rta.workers.supervisor import Supervisor

__all__ = [
    "ForwardingApp",
    "Membership",
    "MetricsExchange",
    "Supervisor",
    "hold_port",
    "merge_metrics",
    "serve_locally",
]
