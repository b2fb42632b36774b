"""The buffer on Redis Streams, as ingest processes in any language write it: many machines share it."""

from rta.ports import Offer, Transport
from rta_transports.redis.check import check
from rta_transports.redis.doctor import examine
from rta_transports.redis.log import RedisLog, open_log
from rta_transports.redis.options import RedisLogOptions

__all__ = ["TRANSPORT", "RedisLog", "RedisLogOptions"]

TRANSPORT = Transport(
    log=Offer(RedisLogOptions, open_log, check, shared=True, examine=examine),
    summary="a log on Redis Streams that any number of processes and machines share",
)
