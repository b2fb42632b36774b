"""Several processes that serve one port: a supervisor, its workers, and what they tell each other."""

from rta.workers.exchange import MetricsExchange, merge_metrics
from rta.workers.held_port import hold_port
from rta.workers.membership import Membership
from rta.workers.relay import Relay
from rta.workers.supervisor import Supervisor

__all__ = ["Membership", "MetricsExchange", "Relay", "Supervisor", "hold_port", "merge_metrics"]
