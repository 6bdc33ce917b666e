"""Builds shards without a cluster."""

from __future__ import annotations

from hashmatch.cluster.planning import plan
from hashmatch.cluster.shard import Opening, Shelf
from hashmatch.cluster.shards import Shards
from hashmatch.matching.tiers import thresholds
from hashmatch.store import Store, generation


def built(shelf: Shelf, store: Store) -> tuple[str, Opening]:
    """Have a shelf build a shard of a whole database. Returns the database's origin, and how to open the shard."""
    now = generation.current(store.connection)
    shards = Shards(None, store.connection)  # type: ignore[arg-type]
    [missing] = plan(store.connection, "pdq", now.newest, [], 1).missing
    made = shards._describe("pdq", missing, now)
    for kind, part in shards._content("pdq", made.after, made.until):
        shelf.receive(now.origin, "upload", kind, part)
    shelf.build(now.origin, "upload", made)
    return now.origin, Opening(made, thresholds()["pdq"], (), ())
