"""The topic bus over MQTT 5, through any broker."""

from rta.ports import Offer, Transport
from transports.mqtt.bus import MqttTopics, open_topics
from transports.mqtt.check import check
from transports.mqtt.options import MqttTopicsOptions

__all__ = ["TRANSPORT", "MqttTopics", "MqttTopicsOptions"]

TRANSPORT = Transport(
    topics=Offer(MqttTopicsOptions, open_topics, check),
    summary="topics through an MQTT 5 broker such as mosquitto",
)
