"""Records scans in a reference set, and retracts references."""

from __future__ import annotations

import json

from hashmatch.store import Store, curate, scans
from hashmatch.store.scans import RecordedMatch
from tests.support.made_references import ME


def match(reference_id: int, tier: str = "near", allow: bool = False) -> RecordedMatch:
    return RecordedMatch(reference_id, tier, json.dumps({"reference": {"id": reference_id, "allow": allow}}))


def keep(store: Store, path: bytes, *matches: RecordedMatch, status: str = "match") -> int:
    """Record a scan with one result. Returns its id."""
    with store.transaction() as connection:
        scan_id = scans.begin(connection, ME, {"profile": "fast"})
        tier = matches[0].tier if matches else None
        scans.add(connection, scan_id, path, "ab" * 32, status, tier, matches)
        scans.finish(connection, ME, scan_id, {"files": 1})
    return scan_id


def retract(store: Store, *references: int, collection: str | None = None) -> None:
    with store.transaction() as connection:
        for reference_id in references:
            curate.retract(connection, ME, reference_id, "mistaken", collection)
