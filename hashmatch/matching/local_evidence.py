"""Local features as evidence of a match: where the reference is in the picture, and what was done to it."""

from __future__ import annotations

from dataclasses import replace

from hashmatch.hashers import MAIN
from hashmatch.hashers.local_features import FEATURES, LocalFeatures
from hashmatch.matching import straightening
from hashmatch.matching.local import LocalMatch, Suspect, compare
from hashmatch.matching.results import LocalEvidence, Match, MatchedReference, Reason
from hashmatch.records import Guards, SmallCopy

#: Degrees from which a picture counts as rotated. Below, the estimate may be that far off.
TURNED = 0.7
#: How far beyond the file's edge, in parts of its width or height, the reference's corners lie if it was cropped.
BEYOND = 0.02


def best_of(query: tuple[LocalFeatures, ...], reference: LocalFeatures) -> LocalMatch | None:
    """The reference in the query, its mirror image or its negative, whichever is strongest. query: see Suspect.each."""
    found = [compare(suspect, reference) for suspect in Suspect.each(query)]
    return max((each for each in found if each is not None), key=lambda each: each.inliers, default=None)


def with_parts(match: Match | None, local: LocalMatch, reference: MatchedReference) -> Match:
    """The match with this evidence added, or, if there was none, a match that rests on this evidence alone."""
    if match is not None:
        return replace(match, local=evidence_of(local))
    transform, evidence = transform_of(local), evidence_of(local)
    # All of it is there, in its place, and yet the hashes do not agree: so it is with two posters of one layout.
    reason: Reason = "same-layout" if transform == "none" else "local-features"
    return Match(reference, "possible", None, FEATURES, transform, None, None, reason, local=evidence)


def proved(match: Match, local: LocalMatch, copy: SmallCopy, bits: bytes | None, guards: Guards | None) -> Match:
    """A match by local features with what straightening says; `near` if that proves the same picture.

    copy: the suspect. bits, guards: PDQ and guards of the reference's whole picture.
    """
    found = straightening.straighten(copy, local, bits, guards) if guards is not None else None
    if found is None:
        return match
    if match.tier != "possible" or not straightening.proves(found):
        return replace(match, straightened=found)
    return replace(
        match,
        tier="near",
        reason="straightened",
        transform=transform_of(local) if match.transform == "none" else match.transform,
        distance=found.distance,
        algorithm=FEATURES if found.distance is None else MAIN,
        straightened=found,
    )


def evidence_of(match: LocalMatch) -> LocalEvidence:
    """The evidence as results show it."""
    corners = tuple((round(x, 4), round(y, 4)) for x, y in match.quadrilateral)
    return LocalEvidence(match.inliers, corners)


def transform_of(match: LocalMatch) -> str:
    """What was done to the reference's picture, in one word."""
    if match.inverted:
        return "inverted"
    if match.mirrored:
        return "mirror"
    if abs(match.angle) >= TURNED:
        return "rotate"
    across, down = zip(*match.quadrilateral, strict=True)
    if min(across + down) < -BEYOND or max(across + down) > 1 + BEYOND:
        return "crop"
    inside = max(across) - min(across) < 1 - 2 * BEYOND or max(down) - min(down) < 1 - 2 * BEYOND
    return "inset" if inside else "none"
