"""What a file is searched by.

These are its hashes, and those of its other orientations and of its negative. Parts of a film's frames that are only guessed
have those of the mirror image only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch import hashers
from hashmatch.hashers import blocks, details
from hashmatch.hashers.blocks import Levels
from hashmatch.hashers.details import Details
from hashmatch.hashers.orientations import INVERSE, ORIENTATIONS
from hashmatch.matching.table import HashRows, comparable, rows_of, seconds_of, stands
from hashmatch.matching.tiers import Threshold
from hashmatch.records import Guards, Hash, Kind
from hashmatch.views import pack_view

#: What was done to the reference's picture to make the query's: an orientation, or the negative. Arrays hold the number.
TURNS = (*ORIENTATIONS, "inverted")
_NEGATIVE = len(ORIENTATIONS)
#: Films are upright or mirrored. For all else, a frame must be closer to a reference's to be worth a look.
_USUAL = (ORIENTATIONS.index("none"), ORIENTATIONS.index("mirror"))
#: The longest time, in seconds, that a frame of a file stands for. Key frames may be some 10 s apart.
LONGEST_STEP = 12.0


@dataclass(frozen=True, slots=True)
class Queries:
    """The hashes of one algorithm that a file is searched by.

    turn: uint8 (n,), a number in TURNS.
    stop: float64 (n,), the second of the film until which each hash's frame stands; 1 for a still picture.
    guards: by packed view, the guards of a still picture.
    """

    algorithm: str
    rows: HashRows
    turn: npt.NDArray[np.uint8]
    stop: npt.NDArray[np.float64]
    guards: dict[int, Guards]

    def blocks_of(self, row: int) -> Levels | None:
        """The blocks of a row's view, turned as its picture is; None if there are none."""
        guards, turn = self.guards.get(int(self.rows.view[row])), TURNS[int(self.turn[row])]
        if guards is None:
            return None
        levels = blocks.unpack(guards.blocks)
        return -levels if turn == "inverted" else blocks.turned(levels, INVERSE[turn])

    def details_of(self, row: int) -> Details | None:
        """The same of its details."""
        guards, turn = self.guards.get(int(self.rows.view[row])), TURNS[int(self.turn[row])]
        if guards is None or guards.details is None:
            return None
        found = details.unpack(guards.details)
        return found.negative() if turn == "inverted" else found.turned(INVERSE[turn])


def queries_of(hashes: Sequence[Hash], algorithm: str, kind: Kind) -> Queries:
    """The hashes of one algorithm to search a file by, without those that say nothing. kind: of the file."""
    own = [each for each in hashes if each.algorithm == algorithm]
    every, turn = list(own), [0] * len(own)
    for each in own if algorithm == hashers.MAIN else ():
        width = len(each.bits)
        others = len(each.turned) // width
        if kind == "image" or others == len(ORIENTATIONS) - 1:
            every.append(_with_bits(each, bytes(255 - byte for byte in each.bits)))
            turn.append(_NEGATIVE)
        for number in range(1, 1 + others):
            every.append(_with_bits(each, each.turned[(number - 1) * width : number * width]))
            # Turned like this, the query looks like the reference. So the reference, turned back, looks like the query.
            turn.append(ORIENTATIONS.index(INVERSE[ORIENTATIONS[number]]))
    rows = rows_of(every)
    # A frame that says nothing still ends the one before it.
    stop = _stops(rows.time)
    kept = comparable(rows, algorithm)
    return Queries(algorithm, rows.select(kept), np.array(turn, np.uint8)[kept], stop[kept], _guards(hashes))


def _guards(hashes: Sequence[Hash]) -> dict[int, Guards]:
    """The guards of a still picture's views, by packed view."""
    finer = {each.view: each.bits for each in hashes if each.algorithm == hashers.DETAILS}
    own = (each for each in hashes if each.algorithm == hashers.GUARD)
    return {pack_view(each.view): Guards(each.bits, finer.get(each.view)) for each in own}


def limits_of(queries: Queries, kind: Kind, threshold: Threshold) -> npt.NDArray[np.int64]:
    """How many bits away each query hash may be: int64 (n,). kind: of the file."""
    if kind == "image":
        return np.where(queries.turn == 0, threshold.possible, threshold.turned)
    return np.where(np.isin(queries.turn, _USUAL), threshold.film, min(threshold.film, threshold.turned))


def _stops(times: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Until when each hash's frame stands: float64 (n,) seconds. Several hashes may belong to one frame."""
    seconds = seconds_of(times)
    order = np.argsort(seconds)
    new = np.append(True, np.diff(seconds[order]) > 0)[: len(order)]
    moments = seconds[order][new]
    stop = np.empty_like(seconds)
    stop[order] = (moments + stands(moments, LONGEST_STEP))[np.cumsum(new) - 1]
    return stop


def _with_bits(original: Hash, bits: bytes) -> Hash:
    return Hash(original.algorithm, bits, original.quality, original.time, original.view)
