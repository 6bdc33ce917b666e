"""What people here decided about references, according to the audit trail. Lists do not override it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field

#: When and why a membership was withdrawn, and by which import; None instead of the import if a person here did it. All
#: three are None if it is live.
Retraction = tuple[str | None, str | None, int | None]
LIVE: Retraction = (None, None, None)


@dataclass(frozen=True, slots=True)
class SaidHere:
    """What people here decided, which lists do not override.

    allowed: by reference, whether somebody last put it on the allow list or took it off.
    taken_back: by reference and collection, what a person said who withdrew it before the collection's own source did.
    """

    allowed: dict[int, bool] = field(default_factory=dict)
    taken_back: dict[tuple[int, str], Retraction] = field(default_factory=dict)


def said_here(connection: sqlite3.Connection) -> SaidHere:
    """Everything that people here decided. It is read at once, since the audit trail has no index."""
    rows = connection.execute(
        "SELECT action, detail FROM audit WHERE action IN ('allow', 'disallow', 'retract')"
        """ OR (action IN ('add', 'join') AND detail LIKE '%"allow":true%') ORDER BY id"""
    )
    found = SaidHere()
    for action, text in rows:
        detail = json.loads(text)
        if action == "retract":
            if "before" in detail:
                found.taken_back[detail["reference"], detail["collection"]] = (*detail["before"], None)
            elif "retracted" in detail:
                found.taken_back.pop((detail["reference"], detail["collection"]), None)
        elif "import" not in detail and (action in ("allow", "disallow") or detail["allow"]):
            found.allowed[detail["reference"]] = action != "disallow"
    return found
