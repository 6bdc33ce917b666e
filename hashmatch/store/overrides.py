"""What people here decided of references, as the audit trail tells it: lists do not move what they decided."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field

#: When, why, and by which import it was withdrawn, None by a person here; of what is live nothing of that.
Retraction = tuple[str | None, str | None, int | None]
LIVE: Retraction = (None, None, None)


@dataclass(frozen=True, slots=True)
class SaidHere:
    """What people here decided, from which lists do not move a reference.

    allowed: of references that somebody put on the allow list or took off it, which of these was last. taken_back: of
    references and collections that the collection's own source withdrew after a person had, what that person said.
    """

    allowed: dict[int, bool] = field(default_factory=dict)
    taken_back: dict[tuple[int, str], Retraction] = field(default_factory=dict)


def said_here(connection: sqlite3.Connection) -> SaidHere:
    """All of it at once, since the audit trail, which tells it, has no index."""
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
