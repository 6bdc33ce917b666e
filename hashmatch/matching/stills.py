"""Two still pictures: the same, or only alike?"""

from __future__ import annotations

import numpy as np

from hashmatch.hashers import blocks, details
from hashmatch.matching import layouts
from hashmatch.matching.finding import Finding, Search, finding_of
from hashmatch.matching.results import DetailsEvidence, Reason
from hashmatch.matching.table import HashTable, Hits, is_part
from hashmatch.matching.tiers import threshold_of
from hashmatch.views import ViewName

#: Hits on one reference, the closest ones, whose blocks are compared.
MOST_OPINIONS = 12


def judge(owner: int, hits: Hits, search: Search) -> Finding:
    """The verdict on two pictures: `near` if a good hit is the same picture, and not only the same layout.

    hits: on this owner.
    """
    table, queries = search.table, search.queries
    order = np.lexsort((queries.turn[hits.query], hits.distance))
    best = int(order[0])
    weak: Finding | None = None
    if not hits.good[best]:
        weak = finding_of(owner, "possible", hits, best, search, _weakness(int(hits.reference[best]), table))
    for each in order[hits.good[order]][:MOST_OPINIONS].tolist():
        reason, contradiction, found = _reason(owner, hits, each, search)
        is_near = reason in ("same-picture", "same-hash")
        if is_near or weak is None:
            finding = finding_of(
                owner,
                "near" if is_near else "possible",
                hits,
                each,
                search,
                reason,
                contradiction=contradiction,
                details=found,
            )
            if is_near:
                return finding
            weak = finding
    assert weak is not None
    return weak


def _weakness(row: int, table: HashTable) -> Reason:
    """Why a hit on this row is not evidence for `near`."""
    if table.is_common(row):
        return "common-hash"
    return "same-layout" if is_part(table.rows.view[row : row + 1])[0] else "low-quality"


def _reason(owner: int, hits: Hits, each: int, search: Search) -> tuple[Reason, int | None, DetailsEvidence | None]:
    """What a good hit proves, and how much blocks and details contradict each other, if both sides have any."""
    if search.table.threshold.near < 0:
        return "resembles", None, None
    distance = int(hits.distance[each])
    ours = search.queries.blocks_of(int(hits.query[each]))
    theirs = search.guards_of(owner, str(ViewName.unpack(int(search.table.rows.view[hits.reference[each]]))))
    if ours is None or theirs is None:
        near = distance <= search.table.threshold.near
        return ("same-hash" if near else "resembles"), None, None
    fast = threshold_of(search.table.algorithm)
    opinion = layouts.opinion(ours, blocks.unpack(theirs.blocks), is_far=fast is not None and distance > fast.possible)
    if opinion.says == "other":
        return "same-layout", opinion.contradiction, None
    finer = search.queries.details_of(int(hits.query[each])) if theirs.details is not None else None
    found = layouts.details_opinion(finer, details.unpack(theirs.details)) if finer and theirs.details else None
    evidence = found and DetailsEvidence(found.contradiction, found.colours)
    if found is not None and not found.agree:
        return "same-layout", opinion.contradiction, evidence
    return ("same-picture" if opinion.says == "same" else "low-quality"), opinion.contradiction, evidence
