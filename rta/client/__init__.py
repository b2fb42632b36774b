"""The client's side of RTA: the REST calls and the live stream, decoded with the session's configuration."""

from rta.client.decode import Decoder, ParameterSamples
from rta.client.rest import RestClient
from rta.client.stream import LiveStream, open_live_stream

__all__ = ["Decoder", "LiveStream", "RestClient", "ParameterSamples", "open_live_stream"]
