"""Local features: small patches of a picture that can be found again in crops, rotations, collages and under overlays.

These are oriented FAST corners with rotated BRIEF descriptors of 256 bits, over a pyramid of scales (Rublee, Rabaud,
Konolige and Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011), as OpenCV computes them. This module
imports OpenCV, so import it only where features are computed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hashmatch.hashers.local_features import DESCRIPTOR_BYTES, LEVEL_RATIO, MOST_FEATURES, LocalFeatures, pack

# A locked worker may start no threads and open no devices.
cv2.setNumThreads(1)
cv2.ocl.setUseOpenCL(False)


@dataclass(frozen=True, slots=True)
class Detail:
    """How closely to look.

    count: most features to keep. side: the picture is scaled to this many pixels on its longer side. levels: number of
    levels of the pyramid, each smaller by LEVEL_RATIO. detected: number of corners to choose from.
    """

    count: int
    side: int
    levels: int
    detected: int


# Chosen on every second photograph of the corpus, by crops and by small pictures inside others (docs/matching.md).
#: For a reference; its features take 15.2 KB in the database.
REFERENCE = Detail(400, 512, 9, 3000)
#: For a query: more features and smaller patches, since nothing is stored.
QUERY = Detail(800, 512, 10, 2500)
#: The same where time is short.
QUICK_QUERY = Detail(500, 448, 9, 1500)
#: For a query of more than LARGE pixels: a screenshot, a collage, a page may show the reference small. One closer look costs
#: half of what looks at its four quarters cost.
LARGE_QUERY = Detail(1200, 768, 10, 4000)
LARGE = 640

#: How much a point of the ring around a corner must differ in brightness. OpenCV's default of 20 finds too little in dim
#: pictures.
CORNER_CONTRAST = 10
#: Pixels at the border in which no corners are looked for; patches that reach over the edge are mirrored. OpenCV's default
#: of 31 leaves small levels empty.
BORDER = 12
#: Pixels; a scaled picture that is narrower has no room for patches.
NARROWEST = 2 * BORDER + 8
#: Cells of a grid across and down, and levels in a band. Cells and bands take turns, so that features cover all of the
#: picture and all scales.
CELLS, BAND = 8, 3

#: The order in which we store a descriptor's bits, as numbers of OpenCV's. Some bits are much alike, so searching by
#: consecutive bits would put too many descriptors under one key. Here each bit is the one least correlated with those before
#: it (measured on a million descriptors of photographs, mixed and turned). The first 168 bits make six keys of 28 whose bits
#: have little to do with each other, and a bucket of 22 bits that a search meets holds an eighth as many descriptors.
BIT_ORDER = np.frombuffer(
    bytes.fromhex(
        "000715d16e0beecc5df3eb0f26c49c14fc241d4dc91e324a35c1e9280149250d19ce3a2a69ca2e0e3ba0ff67c61b1ab52755a8ba2c827065"
        "02405fbdc8a445780cb97d7e7f3db6ac43f27395a294c74fa9c3546f038553ecb02213445ab4fb10e6f717fe57cd68f82db3e4168cc2d658"
        "046d098de1f4309008e8234b42a5e33fdead71811272b8f5846ae73e05976c92d2aa504e0a8b2b387aa652bcda21186bb7fd8f469a11931f"
        "061c20292f3133343637393c4147484c5156595b5c5e60616263646674757677797b7c8083868788898a8e919698999b9d9e9fa1a3a7abae"
        "afb1b2bbbebfc0c5cbcfd0d3d4d5d7d8d9dbdcdddfe0e2e5eaedeff0f1f6f9fa"
    ),
    np.uint8,
)


def extract(luma: npt.NDArray[np.uint8], detail: Detail = REFERENCE) -> LocalFeatures:
    """The features of an upright picture, the strongest of each place first.

    A flat or very narrow picture has none. The same pixels always give the same features.

    luma: brightness, uint8 (height, width). Raises ValueError if it is not such an array.
    """
    scaled = _scaled(luma, detail.side)
    return _described(scaled, _strongest(scaled, detail), detail)


def quick_detail(luma: npt.NDArray[np.uint8]) -> Detail:
    """How closely to look at a query that has little time. luma: as for `extract`."""
    return LARGE_QUERY if max(luma.shape) > LARGE else QUICK_QUERY


def extract_suspects(
    luma: npt.NDArray[np.uint8], detail: Detail | None = None
) -> tuple[LocalFeatures, LocalFeatures, LocalFeatures]:
    """The features of a picture, of its mirror image, and of its negative.

    Corners are where they are in all three, so they are looked for once, which takes most of the time.

    luma: as for `extract`. detail: None: what suits the picture's size.
    """
    if detail is None:
        detail = LARGE_QUERY if max(luma.shape) > LARGE else QUERY
    scaled = _scaled(luma, detail.side)
    corners = _strongest(scaled, detail)
    upright = _described(scaled, corners, detail)
    mirrored = _described(scaled[:, ::-1], [_mirrored(each, scaled.shape[1]) for each in corners], detail)
    # The direction of a corner is from its middle to the brighter side.
    negative = _described(255 - scaled, [_turned(each, each.angle + 180) for each in corners], detail)
    return upright, mirrored, negative


def _mirrored(corner: cv2.KeyPoint, width: int) -> cv2.KeyPoint:
    """The corner in the mirror image of a picture of this width; exactly in the pixels of its level."""
    ratio = LEVEL_RATIO**corner.octave
    x, y = corner.pt
    return _turned(corner, 180 - corner.angle, ((round(width / ratio) - 1) * ratio - x, y))


def _turned(corner: cv2.KeyPoint, angle: float, place: tuple[float, float] | None = None) -> cv2.KeyPoint:
    """A corner with another direction, in degrees, at the same or another place."""
    x, y = place or corner.pt
    return cv2.KeyPoint(x, y, corner.size, angle % 360, corner.response, corner.octave, corner.class_id)


def _strongest(image: npt.NDArray[np.uint8], detail: Detail) -> Sequence[cv2.KeyPoint]:
    """The corners to keep, the strongest of each place first; numbered in this order by their class_id."""
    if min(image.shape) < NARROWEST:
        return ()
    found = _detector(detail.detected, detail.levels).detect(image, None)
    if not found:
        return ()
    places = np.asarray(cv2.KeyPoint.convert(found), np.float64) / image.shape[::-1]
    levels = np.array([corner.octave for corner in found], np.int64)
    strengths = np.array([corner.response for corner in found])
    chosen = _spread(places, levels, strengths)[: min(detail.count, MOST_FEATURES)]
    corners = [found[number] for number in chosen.tolist()]
    for rank, corner in enumerate(corners):
        corner.class_id = rank
    return corners


def _described(image: npt.NDArray[np.uint8], corners: Sequence[cv2.KeyPoint], detail: Detail) -> LocalFeatures:
    """The features at these corners, in their order."""
    height, width = image.shape
    described = np.empty((0, DESCRIPTOR_BYTES), np.uint8)
    if corners:
        image = np.ascontiguousarray(image)
        corners, by_level = _detector(detail.detected, detail.levels).compute(image, corners)
        order = np.argsort([corner.class_id for corner in corners]).tolist()
        corners, described = [corners[number] for number in order], np.asarray(by_level, np.uint8)[order]
    return pack(
        width,
        height,
        np.array([corner.pt for corner in corners], np.float64).reshape(-1, 2),
        np.deg2rad([corner.angle for corner in corners]),
        np.array([corner.octave for corner in corners], np.int64),
        _reordered(described),
    )


def _reordered(descriptors: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Descriptors with their bits in BIT_ORDER: uint8 (n, 32)."""
    bits = np.unpackbits(descriptors, axis=1, bitorder="little")
    return np.packbits(bits[:, BIT_ORDER], axis=1, bitorder="little")


def _scaled(luma: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    if luma.dtype != np.uint8 or luma.ndim != 2 or not luma.size:
        raise ValueError("luma must be a uint8 array (height, width)")
    height, width = luma.shape
    factor = side / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(luma), size, interpolation=method), np.uint8)


def _spread(
    places: npt.NDArray[np.float64], levels: npt.NDArray[np.int64], strengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """The corners in order: first the strongest of each cell and band, then the second of each, and so on.

    places: float64 (n, 2), 0 to 1. levels: int64 (n,). strengths: float64 (n,). Returns numbers of corners, int64 (n,).
    """
    column, row = np.minimum((places * CELLS).astype(np.int64), CELLS - 1).T
    group = (levels // BAND * CELLS + row) * CELLS + column
    order = np.lexsort((-strengths, group))
    grouped = group[order]
    turn = np.arange(len(order)) - np.searchsorted(grouped, grouped)
    chosen: npt.NDArray[np.int64] = order[np.lexsort((-strengths[order], turn))]
    return chosen


@functools.lru_cache(maxsize=8)
def _detector(count: int, levels: int) -> cv2.ORB:
    return cv2.ORB.create(
        nfeatures=count, scaleFactor=LEVEL_RATIO, nlevels=levels, edgeThreshold=BORDER, fastThreshold=CORNER_CONTRAST
    )
