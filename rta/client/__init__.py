"""The client's side of RTA: REST calls, and live streams decoded with the configuration of their session."""

from rta.client.decode import Decoder, ParameterSamples
from rta.client.rest import RestClient
from rta.client.stream import LiveStream, ServiceSilent, StreamClosed, open_live_stream

__all__ = [
    "Decoder",
    "LiveStream",
    "ParameterSamples",
    "RestClient",
    "ServiceSilent",
    "StreamClosed",
    "open_live_stream",
]
