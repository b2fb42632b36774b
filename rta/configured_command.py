"""Commands that the configuration adds: a call that is valid is passed on to another topic of the bus."""

from __future__ import annotations

from rta.node.command_settings import CommandSettings, check_values
from rta.ports import TopicBus
from rta.ports.command import Call, Command
from rta.ports.topic_bus import Qos
from rta.rsmp.names import read_code
from rta.rsmp.payload import encode

__all__ = ["forwarding_command"]


def forwarding_command(settings: CommandSettings, bus: TopicBus) -> Command:
    """The command."""
    qos: Qos = settings.qos

    async def run(call: Call) -> None:
        values = check_values(call.parameters, settings.parameters)
        message = {"components": call.components, "values": values, "sender": call.sender}
        await bus.publish(settings.topic, encode(message), qos=qos)

    code = read_code(settings.code)
    return Command(code, run, dict, tuple(settings.components), settings.description)
