"""Compare two files with each other, without a reference set: what `hashmatch compare` does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hashmatch import hashers
from hashmatch.hamming import HammingIndex
from hashmatch.hashers import learned
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching import vpdq
from hashmatch.matching.dots import Dots, dots_of
from hashmatch.matching.learned_search import LearnedTables, match_of_proposal
from hashmatch.matching.local_evidence import best_of, proved, with_parts
from hashmatch.matching.results import (
    DetailsEvidence,
    LocalEvidence,
    Match,
    MatchedReference,
    Reason,
    StraightenedEvidence,
    Tier,
    VideoEvidence,
)
from hashmatch.matching.table import HashTable, rows_of
from hashmatch.matching.tiers import threshold_of, thresholds
from hashmatch.matching.verdict import exact, find, match_of
from hashmatch.matching.vpdq import VpdqMatch, VpdqRule
from hashmatch.records import Fingerprint, Guards, Hash, View
from hashmatch.views import FULL, ViewName

#: The thresholds of the most thorough profile, in bits.
LIMITS = thresholds("thorough")


@dataclass(frozen=True, slots=True)
class AlgorithmDistance:
    """The smallest distance between the two files' hashes of one algorithm. quality: of A's and B's, where it has one."""

    algorithm: str
    distance: int
    bits: int
    quality: tuple[int, int] | None
    a_time: float | None
    b_time: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike two files are: the verdict of a scan of A if B were the only reference, and what it rests on.

    reason: see results.Reason; None if nothing matched. distances: between the two pictures as they are. distance: of PDQ
    between the two views that were compared, with the transform undone. contradiction, details: between the guards of these
    views, if both have them (see matching/layouts.py). area: the part of A that was compared, if that is not all of it.
    """

    same_bytes: bool
    tier: Tier | None
    reason: Reason | None
    transform: str
    view: str
    reference_view: str
    distances: tuple[AlgorithmDistance, ...]
    distance: int | None
    contradiction: int | None
    details: DetailsEvidence | None
    area: View | None
    local: LocalEvidence | None
    straightened: StraightenedEvidence | None
    video: VideoEvidence | None


def compare(a: Fingerprint, b: Fingerprint) -> Comparison:
    """Compare A, hashed as a query, with B, hashed as a reference. Both must have hashes."""
    assert a.kind is not None
    same = a.digests is not None and b.digests is not None and a.digests.sha256 == b.digests.sha256
    names = (*LIMITS, *filter(learned.model_of, dict.fromkeys(each.algorithm for each in b.hashes)))
    distances = tuple(d for name in names if (d := _closest(name, a.hashes, b.hashes)) is not None)
    match = _match(a, b)
    if same:
        match = replace(match or exact(_named(b), "sha256"), tier="exact", reason="same-bytes", local=None)
    if match is None:
        return Comparison(same, None, None, "none", FULL, FULL, distances, None, None, None, None, None, None, None)
    return Comparison(
        same,
        match.tier,
        match.reason,
        match.transform,
        match.view,
        match.reference_view,
        distances,
        match.distance,
        match.contradiction,
        match.details,
        next((each for each in a.views if each.name == match.view), None),
        match.local,
        match.straightened,
        match.video,
    )


def dots(a: Fingerprint, b: Fingerprint) -> Dots:
    """Where two films show the same frame, for drawing."""
    return dots_of(a.hashes, _table(b))


def by_vpdq(a: Fingerprint, b: Fingerprint, rule: VpdqRule) -> VpdqMatch:
    """What vPDQ says of two films, both hashed at equal intervals (Settings.interval)."""
    ours, theirs = (rows_of([each for each in film.hashes if each.algorithm == "pdq"]) for film in (a, b))
    return vpdq.match(ours.bits, ours.quality, theirs.bits, theirs.quality, rule)


def _match(a: Fingerprint, b: Fingerprint) -> Match | None:
    """What a scan would say if B was the only reference, but that the bytes are the same."""
    assert a.kind is not None
    theirs = {(each.algorithm, each.view): each.bits for each in b.hashes if each.algorithm in hashers.GUARDS}

    def guards_of(_owner: int, view: str) -> Guards | None:
        own = theirs.get((hashers.GUARD, view))
        return None if own is None else Guards(own, theirs.get((hashers.DETAILS, view)))

    finding = next(find(a.hashes, a.kind, _table(b), guards_of), None)
    match = match_of(finding, _named(b)) if finding else None
    if a.features and b.features and (match is None or match.tier == "possible"):
        local = best_of(tuple(map(LocalFeatures.from_bytes, a.features)), LocalFeatures.from_bytes(b.features[0]))
        if local is not None:
            match = with_parts(match, local, _named(b))
            whole = (each.bits for each in b.hashes if (each.algorithm, each.view) == (hashers.MAIN, FULL))
            match = proved(match, local, a.copy, next(whole, None), guards_of(0, FULL)) if a.copy else match
    return match or _looks_alike(a, b)


def _looks_alike(a: Fingerprint, b: Fingerprint) -> Match | None:
    """What a learned descriptor alone says."""
    for algorithm in dict.fromkeys(each.algorithm for each in b.hashes):
        model, threshold = learned.model_of(algorithm), threshold_of(algorithm)
        if model is None or threshold is None:
            continue
        table = HashTable(algorithm, threshold, rows_of([each for each in b.hashes if each.algorithm == algorithm]))
        tables = LearnedTables(algorithm, model, (table,))
        if any(proposal.is_telling for proposal in tables.propose(a.hashes)):
            return match_of_proposal(_named(b), algorithm)
    return None


def _table(b: Fingerprint) -> HashTable:
    return HashTable("pdq", LIMITS["pdq"], rows_of([each for each in b.hashes if each.algorithm == "pdq"]))


def _named(b: Fingerprint) -> MatchedReference:
    return MatchedReference(0, b.digests.sha256 if b.digests else None, b.kind, (), False, ())


def _closest(name: str, a: tuple[Hash, ...], b: tuple[Hash, ...]) -> AlgorithmDistance | None:
    # Of the pictures as they are; what their views say is told by the finding.
    ours, theirs = (
        [h for h in hashes if h.algorithm == name and ViewName.parse(h.view).kind.shows_all] for hashes in (a, b)
    )
    if not ours or not theirs:
        return None
    rows, distances = HammingIndex.from_hashes(rows_of(theirs).bits).knn(rows_of(ours).bits, 1)
    best = int(distances[:, 0].argmin())
    x, y = ours[best], theirs[int(rows[best, 0])]
    quality = None if x.quality is None or y.quality is None else (x.quality, y.quality)
    return AlgorithmDistance(name, int(distances[best, 0]), len(x.bits) * 8, quality, x.time, y.time)
