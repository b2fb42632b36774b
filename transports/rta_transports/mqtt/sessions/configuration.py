"""The configuration of a node's session. It only grows: what is new is a document of its own, bound beside the others,
since clients may keep for good what they have bound once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from rta.ports import Publish
from rta.wire import Application, Channel, ConfigBinding, Configuration, Conversion, Parameter
from rta.wire.configuration import EventDefinition, Group
from rta_transports.mqtt.sessions.channels import RemoteChannel, ValueKinds

__all__ = ["CHANNELS", "SessionConfigurations"]

CHANNELS = 250
"""Of one document, at most: describing more at once would hold up everybody else."""

_ONE_TO_ONE = "one_to_one"


class SessionConfigurations:
    """What one session is bound to."""

    def __init__(self) -> None:
        self._described: dict[int, ValueKinds] = {}
        self.bindings: list[ConfigBinding] = []

    def grow(self, channels: Iterable[RemoteChannel]) -> list[Publish]:
        """Describe what is new of these, at most `CHANNELS`, which are in the order of their numbers."""
        described, new = self._described, []
        for c in channels:
            before = described.get(c.number)
            if before is None or c.holds & ~before:
                new.append((c, c.holds & ~(before or ValueKinds.NOTHING), before is None))
                described[c.number] = c.holds
        if not new:
            return []
        offset = new[0][0].number - 1
        text = _configuration(new, offset).write()
        identifier = hashlib.sha256(text.encode()).hexdigest()[:32]  # as the configuration's, without writing it again
        self.bindings.append(ConfigBinding(identifier, offset))
        return [Publish(identifier, text)]


def _configuration(channels: Sequence[tuple[RemoteChannel, ValueKinds, bool]], offset: int) -> Configuration:
    """Of each: what it now holds that it did not before, and whether it is new itself.

    What holds numbers has a parameter, what holds texts an event definition whose id is the channel's number. The
    document's own channel numbers are smaller by `offset`.
    """
    applications: dict[str, Application] = {}
    for c, holds, is_new in channels:
        app = c.origin.application
        application = applications.get(app)
        if application is None:
            application = applications[app] = Application(desc=_title(c))
            application.tree.groups.append(Group(id=c.origin.code, desc=c.origin.code))
            application.conversions.append(Conversion(f"{_ONE_TO_ONE}:{app}"))
        label, number = c.origin.label, c.number - offset
        if is_new or holds & ValueKinds.NUMBERS:
            application.channels.append(Channel(number, label, "timestamped"))
        if holds & ValueKinds.NUMBERS:
            application.tree.groups[0].params.append(c.parameter)
            description, conversion = f"{label} of {_title(c)}", f"{_ONE_TO_ONE}:{app}"
            application.parameters.append(
                Parameter(c.parameter, label, description, conversion, [number], format="%.10g")
            )
        if holds & ValueKinds.TEXTS:
            application.events.append(EventDefinition(c.number, code=c.word, desc=label, pri="low"))
    return Configuration(applications)


def _title(c: RemoteChannel) -> str:
    return "/".join(filter(None, (c.origin.code, c.origin.stream)))
