"""The reference set: one SQLite file of known media, their hashes, sources and history; never the media themselves."""

from hashmatch.store.database import Store

__all__ = ["Store"]
