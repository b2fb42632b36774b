"""Where things are in the folder of an archive. Names of files are made from digests: identities may hold anything."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from attrs import frozen

__all__ = ["ArchivePlaces", "digest_of"]


def digest_of(name: str) -> str:
    """Of an identity or an identifier: 32 hexadecimal digits."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@frozen
class ArchivePlaces:
    """Of one archive."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log.sqlite"

    @property
    def catalogue(self) -> Path:
        return self.folder / "catalogue.sqlite"

    @property
    def format(self) -> Path:
        return self.folder / "format"

    @property
    def sessions(self) -> Path:
        return self.folder / "sessions"

    @property
    def configurations(self) -> Path:
        return self.folder / "configurations"

    @property
    def incoming(self) -> Path:
        """What others lay down to be taken in."""
        return self.folder / "incoming"

    @property
    def work(self) -> Path:
        """What is not complete yet: removed at the start."""
        return self.folder / "work"

    @property
    def unfinished(self) -> Path:
        """How many processes have ended while they wrote a file anew."""
        return self.folder / "unfinished.json"

    def sealed(self, identity: str) -> Path:
        digest = digest_of(identity)
        return self.sessions / digest[:2] / f"{digest}.sqlite"

    def open(self, identity: str) -> Path:
        digest = digest_of(identity)
        return self.sessions / digest[:2] / f"{digest}.open.sqlite"

    def configuration(self, identifier: str) -> Path:
        digest = digest_of(identifier)
        return self.configurations / digest[:2] / f"{digest}.lz4"
