"""Two still pictures: the same, or only alike?"""

from __future__ import annotations

import numpy as np

from hashmatch.hashers import blocks
from hashmatch.matching import guard
from hashmatch.matching.finding import Finding, Search, finding_of
from hashmatch.matching.results import Reason
from hashmatch.matching.table import Hits, view_name

#: Of the hits on one reference so many of the closest are looked at again.
MOST_OPINIONS = 12


def judge(owner: int, hits: Hits, search: Search) -> Finding:
    """`near` if one of the good hits is the same picture, and not only the same layout. hits: on this owner."""
    table, queries = search.table, search.queries
    order = np.lexsort((queries.turn[hits.query], hits.distance))
    best = int(order[0])
    if not hits.good[best]:
        common = table.is_common(int(hits.reference[best]))
        weak = finding_of(owner, "possible", hits, best, search, "common-hash" if common else "low-quality")
    else:
        weak = None
    for each in order[hits.good[order]][:MOST_OPINIONS].tolist():
        reason, contradiction = _reason(owner, hits, each, search)
        if reason in ("same-picture", "same-hash") and table.threshold.near >= 0:
            return finding_of(owner, "near", hits, each, search, reason, contradiction=contradiction)
        if weak is None:
            weak = finding_of(owner, "possible", hits, each, search, reason, contradiction=contradiction)
    assert weak is not None
    return weak


def _reason(owner: int, hits: Hits, each: int, search: Search) -> tuple[Reason, int | None]:
    """What a good hit says, and how much the blocks contradict each other, where both sides have them."""
    ours = search.queries.blocks_of(int(hits.query[each]))
    packed = search.blocks_of(owner, view_name(int(search.table.rows.view[hits.reference[each]])))
    if ours is None or packed is None:
        near = int(hits.distance[each]) <= search.table.threshold.near
        return ("same-hash" if near else "resembles"), None
    theirs = blocks.unpack(packed)
    contradiction = guard.contradiction(ours, theirs)
    match guard.opinion(ours, theirs):
        case "same":
            return "same-picture", contradiction
        case "unclear":
            return "low-quality", contradiction
        case "other":
            return "same-layout", contradiction
