"""The topic bus over MQTT 5, through any broker; and remote nodes on such a broker as a source of sessions."""

from rta.ports import Offer, Transport
from rta_transports.mqtt.bus import MqttTopics, open_topics
from rta_transports.mqtt.check import check
from rta_transports.mqtt.options import MqttTopicsOptions
from rta_transports.mqtt.source import MqttSource, open_source
from rta_transports.mqtt.source_options import MqttSourceOptions

__all__ = ["TRANSPORT", "MqttSource", "MqttSourceOptions", "MqttTopics", "MqttTopicsOptions"]

TRANSPORT = Transport(
    topics=Offer(MqttTopicsOptions, open_topics, check),
    source=Offer(MqttSourceOptions, open_source, check),
    summary="topics through an MQTT 5 broker such as mosquitto, and remote nodes there as sessions",
)
