"""The client's side of RTA: REST calls, and live streams decoded with the configuration of their session."""

from rta.client.credentials import Credentials, NotAllowed, NotSignedIn, Token
from rta.client.decode import Decoder, ParameterSamples
from rta.client.rest import RestClient
from rta.client.stream import LiveStream, ServiceSilent, StreamClosed, open_live_stream

__all__ = [
    "Credentials",
    "Decoder",
    "LiveStream",
    "NotAllowed",
    "NotSignedIn",
    "ParameterSamples",
    "RestClient",
    "ServiceSilent",
    "StreamClosed",
    "Token",
    "open_live_stream",
]
