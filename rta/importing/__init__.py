"""Files into an archive: sessions that are over, as chunks, without a service in between. Blocks."""

from rta.importing.file import ImportedSession, file_digest, imported_identity, lay_down_file

__all__ = ["ImportedSession", "file_digest", "imported_identity", "lay_down_file"]
