"""What a client knows of the sessions of a source: configurations, samples and events by name."""

from __future__ import annotations

from typing import Any

from rta.ports import CloseSession, OpenSession, Publish, SessionBurst, SourceUpdate, UpdateSession
from rta.wire import SessionModel, SessionState, decode_timestamped, read_configuration, read_session

__all__ = ["Told"]


class Told:
    """What a client knows of the sessions."""

    def __init__(self) -> None:
        self.updates: list[SourceUpdate] = []
        self.documents: dict[str, str] = {}
        self.sessions: dict[str, SessionModel] = {}
        self._items: list[tuple[str, Any]] = []
        self._read: dict[tuple[tuple[str, int], ...], tuple[dict[int, str], dict[int, str]]] = {}

    def take(self, update: SourceUpdate) -> None:
        self.updates.append(update)
        match update:
            case Publish(identifier, text):
                self.documents[identifier] = text
            case OpenSession(identity, json) | UpdateSession(identity, json) | CloseSession(identity, json):
                self.sessions[identity] = read_session(json)
            case SessionBurst(identity, burst):
                self._items += [(identity, item) for item in burst.message().data]

    @property
    def samples(self) -> dict[str, dict[str, list[tuple[int, float]]]]:
        """By session and parameter, as its configuration is now; in order of arrival."""
        out: dict[str, dict[str, list[tuple[int, float]]]] = {}
        for identity, item in self._items:
            if item.WhichOneof("data") == "timestamped_data":
                data = item.timestamped_data
                name = self._configuration(identity)[0].get(data.channel_id, f"channel {data.channel_id}")
                times, values = decode_timestamped(data)
                known = out.setdefault(identity, {}).setdefault(name, [])
                known += zip(times.tolist(), values.tolist(), strict=True)
        return out

    @property
    def events(self) -> dict[str, list[tuple[str, int, str]]]:
        """By session: the definition's code, time, text."""
        out: dict[str, list[tuple[str, int, str]]] = {}
        for identity, item in self._items:
            if item.WhichOneof("data") == "event":
                e = item.event
                code = self._configuration(identity)[1].get(e.event_definition_id, f"event {e.event_definition_id}")
                out.setdefault(identity, []).append((code, e.timestamp, e.status_text))
        return out

    def _configuration(self, identity: str) -> tuple[dict[int, str], dict[int, str]]:
        bound = tuple((b.identifier, b.channel_offset) for b in self.sessions[identity].config_bindings or [])
        if bound not in self._read:
            self._read[bound] = self._bind(bound)
        return self._read[bound]

    def _bind(self, bound: tuple[tuple[str, int], ...]) -> tuple[dict[int, str], dict[int, str]]:
        parameters: dict[int, str] = {}
        codes: dict[int, str] = {}
        for identifier, offset in bound:
            for app, application in read_configuration(self.documents[identifier]).applications.items():
                for p in application.parameters:
                    parameters |= {c + offset: p.id for c in p.channels}
                codes |= {e.id: f"{e.code}:{app}" for e in application.events}
        return parameters, codes

    @property
    def open(self) -> list[str]:
        return [i for i, s in self.sessions.items() if s.state is SessionState.OPEN]
