"""A film and a film, or a film and a picture: the same footage, or does one only quote the other?"""

from __future__ import annotations

import numpy as np

from hashmatch.matching.alignment import Alignment, align
from hashmatch.matching.finding import Finding, Search, finding_of
from hashmatch.matching.results import Reason, Tier, VideoEvidence
from hashmatch.matching.table import HashRows, HashTable, Hits, seconds_of
from hashmatch.matching.tiers import NEAR_COVERAGE, NEAR_FRAMES


def judge(owner: int, hits: Hits, search: Search) -> Finding:
    """`near` if the file shows enough of the reference, or of itself. hits: on this owner."""
    table, queries = search.table, search.queries.rows
    own = table.of_owner(owner)
    reference_is_film = not np.isnan(table.rows.time[own]).all()
    if search.kind == "image":
        # Of a still picture's many views and orientations it is the one that fits best.
        hits = hits.select(hits.query == hits.query[np.argmin(hits.distance)])
    strong = hits.good & (hits.distance <= table.threshold.near)
    # Only strong hits are evidence for `near`; where there are none, the others are at least worth a look.
    counted = hits.select(strong) if strong.any() else hits
    best = int(np.argmin(counted.distance))
    tier: Tier = "near" if strong.any() else "possible"
    alignment = align(counted, queries.time, table.rows.time)
    shown = queries.select(counted.query[:1]) if search.kind == "image" else queries
    video = _coverage(alignment, shown, table, own, same_row=search.kind == "image")
    shared = max(video.query_coverage, video.reference_coverage if reference_is_film else 0.0)
    frames = own.stop - own.start if reference_is_film else 1  # of a still, the rows are views
    if search.kind == "video" and not _enough(alignment, shared, len(queries), frames):
        tier = "possible"
    reason: Reason = "same-footage" if tier == "near" else "shared-footage" if strong.any() else "resembles"
    return finding_of(owner, tier, counted, best, search, reason, video=video)


def _coverage(alignment: Alignment, queries: HashRows, table: HashTable, own: slice, same_row: bool) -> VideoEvidence:
    """same_row: the query is one picture, whatever rows the hits name."""
    query_seconds, reference_seconds = seconds_of(queries.time), seconds_of(table.rows.time[own])
    query_seen = query_seconds.sum() if same_row else query_seconds[np.unique(alignment.hits.query)].sum()
    reference_seen = reference_seconds[np.unique(alignment.hits.reference) - own.start].sum()
    return VideoEvidence(
        round(min(1.0, float(query_seen / max(query_seconds.sum(), 1e-9))), 3),
        round(min(1.0, float(reference_seen / max(reference_seconds.sum(), 1e-9))), 3),
        alignment.segments,
    )


def _enough(alignment: Alignment, shared: float, query_frames: int, reference_frames: int) -> bool:
    """Whether the shared stretches make two films the same footage, rather than one that quotes the other.

    shared: the larger share of either film; of the file only, where the reference is a still that it shows.
    """
    frames = len(np.unique(alignment.hits.reference))
    return shared >= NEAR_COVERAGE and frames >= min(NEAR_FRAMES, query_frames, reference_frames)
