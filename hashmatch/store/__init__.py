"""The reference set: one SQLite file of known media, their hashes, sources and history; never the media themselves."""

from hashmatch.store.database import Store
from hashmatch.store.opening import open_store, scratch_store

__all__ = ["Store", "open_store", "scratch_store"]
