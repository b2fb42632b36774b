"""What `rta doctor` says about a Redis: whether it is fit, what is in it, and why a session cannot be streamed."""

from rta_transports.redis.doctor.examination import examine

__all__ = ["examine"]
