"""What a session's JSON and configurations say of its bursts. Plain code."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from rta.sampling.session_decoder import SessionDecoder
from rta.sampling.sources import StatusSources
from rta.stream.clock import Tempo
from rta.wire import ConfigBinding, Configuration, read_session

__all__ = ["DescribedSession", "SessionDescription"]

_AGAIN = 1.0  # s until a configuration that was not there is asked for again


@frozen
class DescribedSession:
    """What a session JSON says of the session's bursts."""

    tempo: Tempo | None
    bindings: Sequence[ConfigBinding] | None

    @classmethod
    def read(cls, json: str) -> DescribedSession:
        """:raises MalformedError: it is no session JSON."""
        model = read_session(json)
        return cls(Tempo.from_session(model), model.config_bindings)


class SessionDescription:
    """Keeps the decoder and the tempo of one session up to date. Times are steady seconds.

    First `learn` says which configurations are needed, then `update` is given them.
    """

    def __init__(self) -> None:
        self.decoder = SessionDecoder((), ())
        self.tempo: Tempo | None = None
        """None: the session is live."""
        self._json: str | None = None
        self._statuses: Sequence[StatusSources] = ()
        self._bindings: Sequence[ConfigBinding] = ()
        self._lacking = False
        self._updated_at = 0.0
        self._missing: list[str] = []

    def is_outdated(self, json: str | None, statuses: Sequence[StatusSources], now: float) -> bool:
        """Whether there is another JSON, or other statuses, or it is time to ask again for what was not there."""
        changed = json is not self._json or statuses is not self._statuses
        return changed or (self._lacking and now >= self._updated_at + _AGAIN)

    def lacks(self, json: str | None) -> bool:
        """Whether it is a JSON that has to be read."""
        return json is not None and json is not self._json

    def learn(self, statuses: Sequence[StatusSources], said: DescribedSession | None) -> Sequence[ConfigBinding] | None:
        """`said`: what a JSON that was lacking says; None: there is no such. Which configurations the decoder is to be
        made of; None: it can stay as it is."""
        bindings = self._bindings
        if said is not None:
            self.tempo = said.tempo
            bindings = bindings if said.bindings is None else said.bindings
        changed = statuses is not self._statuses or bindings != self._bindings or self._json is None
        return bindings if changed or self._lacking else None

    def update(
        self,
        json: str | None,
        statuses: Sequence[StatusSources],
        found: Sequence[tuple[ConfigBinding, Configuration | None]] | None,
        now: float,
    ) -> list[str]:
        """`found`: each configuration that `read` asked for; None in it: not there yet. Returns, in words, which
        attributes are newly found to be missing from all configurations.
        """
        new: list[str] = []
        if found is not None:
            known = [(configuration, binding) for binding, configuration in found if configuration is not None]
            self.decoder = SessionDecoder(statuses, known)
            self._lacking = len(known) < len(found)
            self._statuses, self._bindings = statuses, [binding for binding, _ in found]
            if not self._lacking:
                new = [words for words in self.decoder.missing if words not in self._missing]
                self._missing = self.decoder.missing
        self._json, self._updated_at = json, now
        return new
