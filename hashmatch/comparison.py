"""Two files against each other, without a reference set: what `hashmatch compare` does."""

from __future__ import annotations

from dataclasses import dataclass

from hashmatch.hamming import HammingIndex
from hashmatch.i18n import _
from hashmatch.matching.results import Tier, VideoEvidence
from hashmatch.matching.table import HashTable, rows_of
from hashmatch.matching.tiers import GOOD_QUALITY, THRESHOLDS
from hashmatch.matching.verdict import find
from hashmatch.records import Fingerprint, Hash


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
    """How alike two files are. transform: how A became B, as far as can be told; reason: of the tier, for a person."""

    same_bytes: bool
    tier: Tier | None
    reason: str
    transform: str
    distances: tuple[Distance, ...]
    video: VideoEvidence | None


def compare(a: Fingerprint, b: Fingerprint) -> Comparison:
    """Compare A, as a scan would see it, with B, as the only reference. Both must have hashes."""
    assert a.kind is not None
    same = a.digests is not None and b.digests is not None and a.digests.sha256 == b.digests.sha256
    distances = tuple(d for name in THRESHOLDS if (d := _closest(name, a.hashes, b.hashes)) is not None)
    table = HashTable("pdq", THRESHOLDS["pdq"], rows_of([h for h in b.hashes if h.algorithm == "pdq"]))
    finding = next(find(a.hashes, a.kind, table), None)
    tier: Tier | None = "exact" if same else finding.tier if finding else None
    return Comparison(same, tier, _reason(same, tier, distances), "none", distances, finding.video if finding else None)


def _closest(name: str, a: tuple[Hash, ...], b: tuple[Hash, ...]) -> Distance | None:
    ours, theirs = ([h for h in hashes if h.algorithm == name] for hashes in (a, b))
    if not ours or not theirs:
        return None
    rows, distances = HammingIndex.from_hashes(rows_of(theirs).bits).knn(rows_of(ours).bits, 1)
    best = int(distances[:, 0].argmin())
    x, y = ours[best], theirs[int(rows[best, 0])]
    quality = None if x.quality is None or y.quality is None else (x.quality, y.quality)
    return Distance(name, int(distances[best, 0]), len(x.bits) * 8, quality, x.time, y.time)


def _reason(same: bool, tier: Tier | None, distances: tuple[Distance, ...]) -> str:
    pdq = next((d for d in distances if d.algorithm == "pdq"), None)
    limits = THRESHOLDS["pdq"]
    if same:
        return _("the bytes are the same")
    if pdq is None:
        return _("there is no PDQ hash to go by")
    if pdq.quality is not None and min(pdq.quality) < GOOD_QUALITY and pdq.distance <= limits.possible:
        return _("little detail (quality below {quality}), so that others may look alike").format(quality=GOOD_QUALITY)
    if tier == "near":
        return _("PDQ distance of at most {near}").format(near=limits.near)
    if tier == "possible" and pdq.distance <= limits.near:
        return _("single frames are the same, but not enough of either film")
    if tier == "possible":
        text = _("PDQ distance of at most {possible}, above the {near} of the same picture")
        return text.format(possible=limits.possible, near=limits.near)
    return _("PDQ distance above {possible}").format(possible=limits.possible)
