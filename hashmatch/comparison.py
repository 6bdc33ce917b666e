"""Two files against each other, without a reference set: what `hashmatch compare` does."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch import hashers
from hashmatch.hamming import HammingIndex
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.parts import best_of, evidence_of, transform_of
from hashmatch.matching.results import LocalEvidence, Reason, Tier, VideoEvidence
from hashmatch.matching.table import HashTable, rows_of
from hashmatch.matching.tiers import thresholds
from hashmatch.matching.verdict import find
from hashmatch.records import Fingerprint, Hash, View, shows_all


@dataclass(frozen=True, slots=True)
class Distance:
    """The smallest distance between the two files' hashes of one algorithm. quality: of A's and B's, where it has one."""

    algorithm: str
    distance: int
    bits: int
    quality: tuple[int, int] | None
    a_time: float | None
    b_time: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike two files are: the verdict of a scan of A where B is the only reference, and what it rests on.

    reason: see results.Reason; None where nothing matched. distances: of the two pictures as they are. distance: of
    PDQ between the two views that were compared, with the transform undone; contradiction: of the blocks of these, where
    both have them (see matching/guard.py). area: of A, that was compared, where that is not all of it.
    """

    same_bytes: bool
    tier: Tier | None
    reason: Reason | None
    transform: str
    view: str
    reference_view: str
    distances: tuple[Distance, ...]
    distance: int | None
    contradiction: int | None
    area: View | None
    local: LocalEvidence | None
    video: VideoEvidence | None


def compare(a: Fingerprint, b: Fingerprint) -> Comparison:
    """Compare A, hashed as a query, with B, hashed as a reference. Both must have hashes."""
    assert a.kind is not None
    same = a.digests is not None and b.digests is not None and a.digests.sha256 == b.digests.sha256
    limits = thresholds("thorough")
    distances = tuple(d for name in limits if (d := _closest(name, a.hashes, b.hashes)) is not None)
    theirs = {each.view: each.bits for each in b.hashes if each.algorithm == hashers.GUARD}
    table = HashTable("pdq", limits["pdq"], rows_of([h for h in b.hashes if h.algorithm == "pdq"]))
    finding = next(find(a.hashes, a.kind, table, lambda _owner, view: theirs.get(view)), None)
    tier: Tier | None = "exact" if same else finding.tier if finding else None
    local = None
    if a.features and b.features and tier not in ("exact", "near"):
        local = best_of(tuple(map(LocalFeatures.from_bytes, a.features)), LocalFeatures.from_bytes(b.features[0]))
        tier = tier or ("possible" if local else None)
    reason: Reason | None = "same-bytes" if same else finding.reason if finding else "local-features" if local else None
    transform = finding.transform if finding else transform_of(local) if local else "none"
    view, reference_view = (finding.view, finding.reference_view) if finding else ("full", "full")
    return Comparison(
        same,
        tier,
        reason,
        transform,
        view,
        reference_view,
        distances,
        finding.distance if finding else None,
        finding.contradiction if finding else None,
        next((each for each in a.views if each.name == view), None),
        evidence_of(local) if local else None,
        finding.video if finding else None,
    )


def _closest(name: str, a: tuple[Hash, ...], b: tuple[Hash, ...]) -> Distance | None:
    # Of the pictures as they are; what their views say is told by the finding.
    ours, theirs = ([h for h in hashes if h.algorithm == name and shows_all(h.view)] for hashes in (a, b))
    if not ours or not theirs:
        return None
    rows, distances = HammingIndex.from_hashes(rows_of(theirs).bits).knn(rows_of(ours).bits, 1)
    best = int(distances[:, 0].argmin())
    x, y = ours[best], theirs[int(rows[best, 0])]
    quality = None if x.quality is None or y.quality is None else (x.quality, y.quality)
    return Distance(name, int(distances[best, 0]), len(x.bits) * 8, quality, x.time, y.time)
