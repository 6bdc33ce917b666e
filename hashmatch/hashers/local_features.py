"""The record of a picture's local features. orb.py computes them; comparing needs no OpenCV."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: The algorithm's name, in the database and in matches that rest on local features alone.
FEATURES = "orb"
#: Raise it when the same picture would give other features than before; stored ones are then computed again when the picture
#: is indexed again, and searched until then. 2: 400 at 512 pixels, not 200 at 400.
VERSION = 2
#: Each level of the pyramid is smaller than the one before by this factor.
LEVEL_RATIO = 1.2
#: Bytes of one descriptor.
DESCRIPTOR_BYTES = 32
#: A query has the features of its picture, mirror image and negative.
MOST_SUSPECTS = 3
#: No picture has more; a record that claims so is refused.
MOST_FEATURES = 2000
#: The most levels of a pyramid, and the most pixels of a side.
MOST_LEVELS, LONGEST_SIDE = 32, 65_535

_POINT = np.dtype([("x", "<u2"), ("y", "<u2"), ("angle", "u1"), ("level", "u1")])
_STEPS = 65_535


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """The n local features of one picture, as bytes to store and compare.

    width, height: size in pixels at which the picture was examined; also tells its shape.
    descriptors: 32 bytes for each feature.
    points: 6 bytes for each, little-endian: x and y as uint16, in 1/65535 of width and height; direction as uint8, in 1/256
        of a turn; level of the pyramid as uint8, which tells the feature's size.
    version: VERSION of the program that computed them.
    """

    width: int
    height: int
    descriptors: bytes
    points: bytes
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raises ValueError if the parts cannot be the features of a picture."""
        count, rest = divmod(len(self.descriptors), DESCRIPTOR_BYTES)
        if rest or len(self.points) != count * _POINT.itemsize or count > MOST_FEATURES:
            raise ValueError("descriptors and points do not belong together")
        if not (0 < self.width <= LONGEST_SIDE and 0 < self.height <= LONGEST_SIDE):
            raise ValueError("no picture has such a size")
        if count and int(self._table["level"].max()) >= MOST_LEVELS:
            raise ValueError("no feature is so large")

    def __len__(self) -> int:
        return len(self.descriptors) // DESCRIPTOR_BYTES

    @property
    def bits(self) -> npt.NDArray[np.uint8]:
        """The descriptors: uint8 (n, 32)."""
        return np.frombuffer(self.descriptors, np.uint8).reshape(-1, DESCRIPTOR_BYTES)

    @property
    def places(self) -> npt.NDArray[np.float64]:
        """Where the features are: float64 (n, 2), x and y in pixels of width and height."""
        table = self._table
        return np.stack((table["x"] * (self.width / _STEPS), table["y"] * (self.height / _STEPS)), axis=1)

    @property
    def angles(self) -> npt.NDArray[np.float64]:
        """The features' directions: float64 (n,), in radians, clockwise because y points down."""
        return self._table["angle"] * (2 * math.pi / 256)

    @property
    def looks(self) -> npt.NDArray[np.uint8]:
        """Where and how the features are, coarsely: uint8 (n, 4), x and y in 1/256 of width and height, direction in 1/256
        of a turn, level."""
        table = self._table
        return np.stack((table["x"] >> 8, table["y"] >> 8, table["angle"], table["level"]), axis=1).astype(np.uint8)

    @property
    def scales(self) -> npt.NDArray[np.float64]:
        """How many pixels of width and height make one pixel at the feature's level: float64 (n,)."""
        scales: npt.NDArray[np.float64] = LEVEL_RATIO ** self._table["level"].astype(np.float64)
        return scales

    @property
    def _table(self) -> npt.NDArray[np.void]:
        return np.frombuffer(self.points, _POINT)

    @property
    def shape_and_points(self) -> bytes:
        """Everything but descriptors and version: width and height as little-endian uint16, then the points."""
        return np.array([self.width, self.height], "<u2").tobytes() + self.points

    @classmethod
    def from_parts(cls, version: int, descriptors: bytes, shape_and_points: bytes) -> LocalFeatures:
        """The features from their parts, as the database stores them. Raises ValueError if they cannot be features."""
        if len(shape_and_points) < 4:
            raise ValueError("these bytes are not local features")
        width, height = np.frombuffer(shape_and_points, "<u2", 2).tolist()
        return cls(width, height, descriptors, shape_and_points[4:], version)

    def to_bytes(self) -> bytes:
        """Everything: version, width and height as little-endian uint16, then the descriptors, then the points."""
        head = np.array([self.version, self.width, self.height], "<u2").tobytes()
        return head + self.descriptors + self.points

    @classmethod
    def from_bytes(cls, stored: bytes) -> LocalFeatures:
        """The features from what `to_bytes` returned. Raises ValueError if it cannot have returned that."""
        count, rest = divmod(len(stored) - 6, DESCRIPTOR_BYTES + _POINT.itemsize)
        if count < 0 or rest:
            raise ValueError("these bytes are not local features")
        version, width, height = np.frombuffer(stored, "<u2", 3).tolist()
        split = 6 + count * DESCRIPTOR_BYTES
        return cls(width, height, stored[6:split], stored[split:], version)


def are_features(stored: bytes) -> bool:
    """Whether `LocalFeatures.to_bytes` can have returned these bytes."""
    try:
        LocalFeatures.from_bytes(stored)
    except ValueError:
        return False
    return True


def pack(
    width: int,
    height: int,
    places: npt.NDArray[np.float64],
    angles: npt.NDArray[np.float64],
    levels: npt.NDArray[np.int64],
    descriptors: npt.NDArray[np.uint8],
) -> LocalFeatures:
    """The record of features that were just computed.

    places: float64 (n, 2), in pixels of width and height. angles: float64 (n,), in radians. levels: int64 (n,).
    descriptors: uint8 (n, 32).
    """
    table = np.empty(len(places), _POINT)
    steps = np.clip(np.rint(places / (width, height) * _STEPS), 0, _STEPS)
    table["x"], table["y"] = steps.T
    table["angle"] = np.rint(angles * (256 / (2 * math.pi))).astype(np.int64) % 256
    table["level"] = levels
    return LocalFeatures(width, height, np.ascontiguousarray(descriptors).tobytes(), table.tobytes())
