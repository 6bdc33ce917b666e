"""From a file's hashes to its matches and its status."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hashmatch.matching.alignment import Alignment, align
from hashmatch.matching.results import TIERS, Match, MatchedReference, Status, Tier, VideoEvidence
from hashmatch.matching.table import HashRows, HashTable, Hits, comparable, rows_of, seconds_of
from hashmatch.matching.tiers import ALLOW_COVERAGE, NEAR_COVERAGE, NEAR_FRAMES
from hashmatch.records import Hash, Kind


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search found on one reference, before anything else is known of that."""

    reference_id: int
    tier: Tier
    distance: int
    algorithm: str
    quality: int | None
    video: VideoEvidence | None


def find(hashes: Iterable[Hash], kind: Kind, table: HashTable) -> Iterator[Finding]:
    """One finding for each reference that has a hash near one of the file's. kind: of the file."""
    queries = rows_of([h for h in hashes if h.algorithm == table.algorithm])
    queries = queries.select(comparable(queries))
    if not len(queries) or not len(table):
        return
    hits = table.search(queries)
    owners = table.rows.owner[hits.reference]
    # Hits are sorted by owner, so each reference's lie together. (np.unique would import numpy.ma, 15 ms.)
    starts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    for start, end in itertools.pairwise(starts):
        if end > start:
            yield _judge(int(owners[start]), hits.select(np.arange(start, end)), kind, queries, table)


def _judge(owner: int, hits: Hits, kind: Kind, queries: HashRows, table: HashTable) -> Finding:
    own = table.of_owner(owner)
    reference_is_film = not np.isnan(table.rows.time[own]).all()
    strong = hits.good & (hits.distance <= table.threshold.near)
    film = kind == "video" or reference_is_film
    # Only strong hits are evidence for `near`; where there are none, the others are at least worth a look.
    counted = hits.select(strong) if strong.any() else hits
    best = int(np.argmin(counted.distance))
    tier: Tier = "near" if strong.any() else "possible"
    video: VideoEvidence | None = None
    if film:
        alignment = align(counted, queries.time, table.rows.time)
        video = _coverage(alignment, queries, table, own)
        frames = own.stop - own.start
        shared = max(video.query_coverage, video.reference_coverage if reference_is_film else 0.0)
        if kind == "video" and not _enough(alignment, shared, len(queries), frames):
            tier = "possible"
    quality = min(
        (
            int(q)
            for q in (queries.quality[counted.query[best]], table.rows.quality[counted.reference[best]])
            if q != 255
        ),
        default=None,
    )
    return Finding(owner, tier, int(counted.distance[best]), table.algorithm, quality, video)


def _coverage(alignment: Alignment, queries: HashRows, table: HashTable, own: slice) -> VideoEvidence:
    query_seconds, reference_seconds = seconds_of(queries.time), seconds_of(table.rows.time[own])
    query_seen = query_seconds[np.unique(alignment.hits.query)].sum()
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


def strength(match: Match) -> tuple[int, float, int]:
    """For ordering: tier, then how much of the file the reference explains, then distance; larger is stronger."""
    return -TIERS.index(match.tier), explained(match), -(match.distance or 0)


def explained(match: Match) -> float:
    """How much of the file the reference explains, 0 to 1."""
    return 1.0 if match.video is None else match.video.query_coverage


def decide(matches: Iterable[Match]) -> tuple[Status, tuple[Match, ...]]:
    """The status of an examined file, and its matches, best first.

    It is `allowed` if something on the allow list explains it at least as well as anything else does. A film on the
    list counts only where most of it is shown: what a news film quotes is not protected by that film.
    """
    # Among equals, the one on the allow list first: it is what decides.
    ranked = tuple(sorted(matches, key=lambda match: (strength(match), match.reference.allow), reverse=True))
    flagged = [match for match in ranked if not match.reference.allow]
    protecting = [match for match in ranked if match.reference.allow and _protects(match)]
    # A known intro in front of propaganda explains less of the file than that does, however well it matches itself.
    most = max(map(explained, flagged), default=0.0)
    protecting = [match for match in protecting if explained(match) >= most]
    if protecting and (not flagged or strength(protecting[0]) >= strength(flagged[0])):
        return "allowed", ranked
    return ("match" if flagged else "clean"), ranked


def _protects(match: Match) -> bool:
    return match.tier == "exact" or match.video is None or match.video.reference_coverage >= ALLOW_COVERAGE


def exact(reference: MatchedReference, algorithm: str) -> Match:
    """The match of equal bytes."""
    return Match(reference, "exact", 0, algorithm, "none", None, None)
