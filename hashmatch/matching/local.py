"""Local features to matches: votes find references that may be in a picture, geometry decides which of them are.

The picture's features are looked up among all references', which leaves a few candidates (local_candidates.py). For these,
all features are compared, and those that agree on one affine transform are counted. A single pair of features already fixes
position, direction and scale, so every pair is tried as the hypothesis, and no random samples of three or four are needed:
the same input always gives the same result. (Consistent direction and scale: Lowe, "Distinctive image features from scale-
invariant keypoints", IJCV 2004, section 7. Refinement: Chum, Matas and Kittler, "Locally optimized RANSAC", DAGM 2003.)

Below, the suspect is the picture that is examined, its mirror image or its negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hamming.words import distances
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.local_candidates import Floats, LocalTable, Numbers
from hashmatch.matching.tiers import (
    CLOSE_FEATURES,
    ENOUGH_COVER,
    ENOUGH_IF_UNUSUAL,
    ENOUGH_INLIERS,
    ENOUGH_REACH,
    ENOUGH_SPREAD,
    MOST_IN_CELL,
    USUAL_SQUEEZE,
)

Point = tuple[float, float]

# How matches are found. What they must reach is in tiers.py.

#: Bits, of 256, within which two descriptors may show the same thing.
ALIKE = 64
#: Places closer than this, in pixels of their level, count as one: edges and strands repeat themselves.
PLACE_PIXELS = 8.0
#: Cells, across and down, of the grid that measures how much of the visible part the agreeing features cover.
CELLS = 5
#: How far a feature may be from where it should be, in pixels of the level where it was found: GUESS_PIXELS in the first
#: guess, which rests on one pair (and a share of the distance from that pair, as its direction and scale are coarse), and
#: PIXELS once three or more pairs agree.
GUESS_PIXELS, GUESS_SHARE, PIXELS = 6.0, 0.15, 2.5
#: By how much the direction (radians) and the scale (factor) of agreeing features may differ.
TURN, SCALING = math.radians(25), 1.6
#: How much longer than wide a square may become.
MOST_SQUEEZE = 1.9
#: Hypotheses to try on one reference: where a shared logo has won, there may be a picture behind it.
HYPOTHESES = 3
#: Pairs that must support a guess, including its own; fewer do not fix an affine transform.
ENOUGH_SUPPORT = 4
#: Pairs to guess from: the most alike ones.
MOST_GUESSES = 120


@dataclass(frozen=True, slots=True)
class LocalMatch:
    """A reference found in a suspect.

    inliers: how many closely alike features at different places agree.
    spread: the area over which all agreeing features reach, compared with all features of the visible part of the reference;
    about 0 to 1.
    cover: the share of that part's cells that have an agreeing feature.
    quadrilateral: where the reference's corners (upper left, upper right, lower right, lower left) lie in the suspect, from
    0 to 1 of its width and height. Corners that the suspect does not show lie outside of that.
    mirrored: whether the suspect shows it mirrored.
    scale: the reference's longer side as a share of the suspect's.
    angle: degrees by which it is turned clockwise.
    inverted: whether the suspect shows its negative.
    """

    owner: int
    inliers: int
    spread: float
    cover: float
    quadrilateral: tuple[Point, Point, Point, Point]
    mirrored: bool
    scale: float
    angle: float
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Features of suspect and reference that look alike, as arrays of equal length n.

    suspect, reference: int64, numbers of the features. distance: int64, bits.
    here, there: float64 (n, 2), pixels in suspect and reference.
    turn: float64, radians from the reference's direction to the suspect's. zoom: float64, logarithm of the scale.
    fine: float64 (n, 2), size of a pixel of the level where each was found, in suspect and reference.
    """

    suspect: Numbers
    reference: Numbers
    distance: Numbers
    here: Floats
    there: Floats
    turn: Floats
    zoom: Floats
    fine: Floats

    def __len__(self) -> int:
        return len(self.suspect)

    def select(self, rows: npt.NDArray[np.bool_] | Numbers) -> _Pairs:
        return _Pairs(
            self.suspect[rows],
            self.reference[rows],
            self.distance[rows],
            self.here[rows],
            self.there[rows],
            self.turn[rows],
            self.zoom[rows],
            self.fine[rows],
        )


@dataclass(frozen=True, slots=True)
class Suspect:
    """The features of the picture that is examined, or of what was made of it to find what else may be in it.

    mirrored, inverted: whether they are those of its mirror image, or of its negative.
    """

    features: LocalFeatures
    mirrored: bool = False
    inverted: bool = False

    @classmethod
    def each(cls, features: Sequence[LocalFeatures]) -> list[Suspect]:
        """What is examined of one picture. features: of the picture, of its mirror image, of its negative; in this order,
        and perhaps without the last ones."""
        return [cls(each, number == 1, number == 2) for number, each in enumerate(features)]


def search(
    table: LocalTable, suspects: Sequence[Suspect], features_of: Callable[[int], LocalFeatures | None]
) -> list[LocalMatch]:
    """The references that are in a picture, most inliers first, each once.

    suspects: the picture, and what else is examined of it.
    features_of: looks up the features of an owner; None if it is not to be found.
    """
    found: dict[int, LocalMatch] = {}
    for suspect in suspects:
        for owner in table.candidates(suspect.features):
            reference = features_of(owner)
            match = compare(suspect, reference, owner) if reference else None
            if match is not None and (owner not in found or match.inliers > found[owner].inliers):
                found[owner] = match
    return sorted(found.values(), key=lambda match: (-match.inliers, match.owner))


def compare(suspect: Suspect, reference: LocalFeatures, owner: int = 0) -> LocalMatch | None:
    """Whether the reference, or a part of it, is in the suspect.

    Returns None if too few features agree, or only on too small a part.
    """
    pairs = _alike(suspect.features, reference)
    guesses = pairs.select(_mutual(pairs))
    for _attempt in range(HYPOTHESES):
        if len(guesses) < ENOUGH_SUPPORT:
            return None
        supporters = _best_guess(guesses)
        if supporters.sum() < ENOUGH_SUPPORT:
            return None
        agreed = _refine(pairs, guesses.select(supporters))
        if agreed is not None:
            inliers, transform = agreed
            match = _judge(inliers, transform, suspect, reference, owner)
            if match is not None:
                return match
        guesses = guesses.select(~supporters)
    return None


def _alike(suspect: LocalFeatures, reference: LocalFeatures) -> _Pairs:
    between = distances(suspect.bits, reference.bits)
    here, there = np.divmod(np.flatnonzero(between <= ALIKE), max(between.shape[1], 1))
    scales, others = suspect.scales[here], reference.scales[there]
    return _Pairs(
        here,
        there,
        between[here, there].astype(np.int64),
        suspect.places[here],
        reference.places[there],
        suspect.angles[here] - reference.angles[there],
        np.log(scales / others),
        np.stack((scales, others), axis=1),
    )


def _mutual(pairs: _Pairs) -> Numbers:
    """The pairs in which each feature is the other's best, most alike first, at most MOST_GUESSES."""
    order = np.lexsort((pairs.reference, pairs.suspect, pairs.distance))
    best = _first_of_each(pairs.suspect[order]) & _first_of_each(pairs.reference[order])
    return order[best][:MOST_GUESSES]


def _first_of_each(values: Numbers) -> npt.NDArray[np.bool_]:
    first = np.zeros(len(values), np.bool_)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _best_guess(pairs: _Pairs) -> npt.NDArray[np.bool_]:
    """Each pair on its own suggests a similarity transform. Returns the pairs that support the best one: bool (n,)."""
    scale = np.exp(pairs.zoom)[:, None]
    from_here = pairs.here[None, :] - pairs.here[:, None]
    from_there = pairs.there[None, :] - pairs.there[:, None]
    cosine, sine = scale * np.cos(pairs.turn)[:, None], scale * np.sin(pairs.turn)[:, None]
    across = cosine * from_there[..., 0] - sine * from_there[..., 1] - from_here[..., 0]
    down = sine * from_there[..., 0] + cosine * from_there[..., 1] - from_here[..., 1]
    allowed = GUESS_PIXELS * np.maximum(pairs.fine[:, 0], scale * pairs.fine[:, 1])
    allowed += GUESS_SHARE * scale * np.hypot(from_there[..., 0], from_there[..., 1])
    support = np.hypot(across, down) < allowed
    support &= np.abs(_turned(pairs.turn[None, :] - pairs.turn[:, None])) < TURN
    support &= np.abs(pairs.zoom[None, :] - pairs.zoom[:, None]) < math.log(SCALING)
    best: npt.NDArray[np.bool_] = support[support.sum(axis=1).argmax()]
    return best


def _refine(pairs: _Pairs, inliers: _Pairs) -> tuple[_Pairs, Floats] | None:
    """The affine transform through a guess's supporters, and all pairs that agree with it, each feature in one pair."""
    candidates = inliers
    transform = _fit(inliers)
    for pixels in (2.4 * PIXELS, 1.6 * PIXELS, PIXELS):
        if transform is None:
            return None
        inliers = candidates.select(_agreeing(candidates, transform, pixels))
        transform = _fit(inliers)
        # The first round settles the transform. From then on, pairs that are not each other's best count, too.
        candidates = pairs
    if transform is None:
        return None
    inliers = pairs.select(_agreeing(pairs, transform, PIXELS))
    inliers = inliers.select(_mutual(inliers))
    transform = _fit(inliers)
    return None if transform is None else (inliers, transform)


def _fit(pairs: _Pairs) -> Floats | None:
    """The affine transform from reference to suspect by least squares: float64 (3, 2); None if it makes no sense."""
    if len(pairs) < ENOUGH_SUPPORT:
        return None
    from_there = np.column_stack((pairs.there, np.ones(len(pairs))))
    transform = np.asarray(np.linalg.lstsq(from_there, pairs.here, rcond=None)[0], np.float64)
    return transform if np.linalg.det(transform[:2]) > 0 and _squeeze(transform) <= MOST_SQUEEZE else None


def _agreeing(pairs: _Pairs, transform: Floats, pixels: float) -> npt.NDArray[np.bool_]:
    scale, turn = _scale(transform), _turn(transform)
    away = pairs.there @ transform[:2] + transform[2] - pairs.here
    agreeing: npt.NDArray[np.bool_] = np.hypot(away[:, 0], away[:, 1]) < pixels * np.maximum(
        pairs.fine[:, 0], scale * pairs.fine[:, 1]
    )
    agreeing &= np.abs(_turned(pairs.turn - turn)) < TURN
    agreeing &= np.abs(pairs.zoom - math.log(scale)) < math.log(SCALING)
    return agreeing


def _squeeze(transform: Floats) -> float:
    """How much longer than wide a square becomes."""
    longest, shortest = np.linalg.svd(transform[:2], compute_uv=False).tolist()
    return float(longest / shortest) if shortest else math.inf


def _scale(transform: Floats) -> float:
    return math.sqrt(abs(float(np.linalg.det(transform[:2]))))


def _turn(transform: Floats) -> float:
    return math.atan2(transform[0, 1] - transform[1, 0], transform[0, 0] + transform[1, 1])


def _turned(angle: Floats) -> Floats:
    """The same angle, between minus half a turn and half a turn."""
    wrapped: Floats = (angle + math.pi) % (2 * math.pi) - math.pi
    return wrapped


def _judge(
    inliers: _Pairs, transform: Floats, suspect: Suspect, reference: LocalFeatures, owner: int
) -> LocalMatch | None:
    scale, picture = _scale(transform), suspect.features
    places = _independent(inliers, scale)
    shown = reference.places @ transform[:2] + transform[2]
    visible = ((shown >= 0) & (shown < (picture.width, picture.height))).all(axis=1)
    seen = min(reference.width * reference.height, picture.width * picture.height / scale**2)
    extent = _extent(inliers.there)
    spread = extent / max(_extent(reference.places[visible]), 1.0)
    cover = _cover(inliers.there, reference.places[visible])
    is_usual = not suspect.inverted and _squeeze(transform) <= USUAL_SQUEEZE
    if places < (ENOUGH_INLIERS if is_usual else ENOUGH_IF_UNUSUAL):
        return None
    if extent < ENOUGH_REACH * seen / 12:  # of points all over it
        return None
    # What is only a banner says little of the scale across it, so a false match stretches it at will.
    is_wide = spread >= ENOUGH_SPREAD and places <= MOST_IN_CELL * cover * CELLS**2
    if not (is_wide or cover >= ENOUGH_COVER) or not (is_usual or spread >= ENOUGH_SPREAD):
        return None
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (reference.width, reference.height)
    corners = (corners @ transform[:2] + transform[2]) / (picture.width, picture.height)
    if suspect.mirrored:
        corners[:, 0] = 1 - corners[:, 0]
    one, two, three, four = ((float(x), float(y)) for x, y in corners)
    share = scale * max(reference.width, reference.height) / max(picture.width, picture.height)
    angle = math.degrees(_turn(transform))
    return LocalMatch(
        owner, places, spread, cover, (one, two, three, four), suspect.mirrored, share, angle, suspect.inverted
    )


def _independent(inliers: _Pairs, scale: float) -> int:
    """How many inliers are closely alike and at places of their own: the corners of one edge are one piece of evidence."""
    close = inliers.select(inliers.distance <= CLOSE_FEATURES)  # most alike first
    size = PLACE_PIXELS * np.maximum(close.fine[:, 1], close.fine[:, 0] / scale)
    between = close.there[:, None] - close.there
    apart = np.hypot(between[..., 0], between[..., 1]) >= np.minimum(size[:, None], size)
    chosen: list[int] = []
    for number in range(len(close)):
        if apart[number, chosen].all():
            chosen.append(number)
    return len(chosen)


def _extent(places: Floats) -> float:
    """The area over which points are spread, up to a factor: the root of the determinant of their covariance."""
    if len(places) < 3:
        return 0.0
    return math.sqrt(max(float(np.linalg.det(np.cov(places.T))), 0.0))


def _cover(places: Floats, visible: Floats) -> float:
    """A grid is laid over the visible features. Returns the share of its used cells that have one of `places`."""
    low, high = visible.min(axis=0), visible.max(axis=0)
    size = np.maximum(high - low, 1.0) * (1 + 1e-9) / CELLS
    seen, agreed = (
        {tuple(cell) for cell in np.clip((some - low) // size, 0, CELLS - 1).tolist()} for some in (visible, places)
    )
    return len(agreed) / len(seen | agreed)
