"""The embedded transport: a bounded log and a topic bus within the process."""

from rta.ports import Offer, Transport
from rta_transports.memory.broker import MemoryBroker
from rta_transports.memory.log import MemoryLog, MemoryLogOptions, open_log
from rta_transports.memory.topics import MemoryTopics, MemoryTopicsOptions, open_topics

__all__ = ["TRANSPORT", "MemoryBroker", "MemoryLog", "MemoryLogOptions", "MemoryTopics", "MemoryTopicsOptions"]

TRANSPORT = Transport(
    log=Offer(MemoryLogOptions, open_log),
    topics=Offer(MemoryTopicsOptions, open_topics),
    summary="a log and a topic bus within the process: nothing else to install, nothing kept over a restart",
)
