"""What a search found on one reference, and where it searched: shared by the judges of stills and of films."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.matching.layouts import GuardsOf
from hashmatch.matching.queries import TURNS, Queries
from hashmatch.matching.results import DetailsEvidence, Reason, Tier, VideoEvidence
from hashmatch.matching.table import HashTable, Hits
from hashmatch.records import UNKNOWN_QUALITY, Kind
from hashmatch.views import FULL, TRIMMED, ViewKind, ViewName


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search found on one reference, before anything else is known about it. The fields are those of a Match."""

    reference_id: int
    tier: Tier
    distance: int
    algorithm: str
    quality: int | None
    video: VideoEvidence | None
    reason: Reason
    transform: str = "none"
    view: str = FULL
    reference_view: str = FULL
    contradiction: int | None = None
    details: DetailsEvidence | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """One file's hashes of one algorithm, and the table to search. kind: of the file."""

    queries: Queries
    kind: Kind
    table: HashTable
    guards_of: GuardsOf


def finding_of(
    owner: int,
    tier: Tier,
    hits: Hits,
    best: int,
    search: Search,
    reason: Reason,
    *,
    video: VideoEvidence | None = None,
    contradiction: int | None = None,
    details: DetailsEvidence | None = None,
) -> Finding:
    """The finding whose best evidence is one hit.

    owner: the reference. hits: on this reference. best: number of the hit.
    """
    table, queries = search.table, search.queries
    query, reference = int(hits.query[best]), int(hits.reference[best])
    known = [int(q) for q in (queries.rows.quality[query], table.rows.quality[reference]) if q != UNKNOWN_QUALITY]
    view, reference_view = (
        ViewName.unpack(int(packed)) for packed in (queries.rows.view[query], table.rows.view[reference])
    )
    return Finding(
        owner,
        tier,
        int(hits.distance[best]),
        table.algorithm,
        min(known, default=None),
        video,
        reason,
        transform_of(int(queries.turn[query]), view, reference_view),
        str(view),
        str(reference_view),
        contradiction,
        details,
    )


def transform_of(turn: int, view: ViewName, reference_view: ViewName) -> str:
    """What was done to the reference's picture, in one word.

    turn: a number in TURNS. view, reference_view: which parts of the file and of the reference are alike.
    """
    if TURNS[turn] != "none":
        return TURNS[turn]
    if view.kind is ViewKind.WIDE:
        return "crop"
    if view.kind is ViewKind.CUT:
        return "picture-in-picture"
    return "trimmed" if {view.kind, reference_view.kind} & TRIMMED else "none"
