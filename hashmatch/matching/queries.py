"""What a file is searched by: its hashes, and of a still picture also those of its other orientations and its negative;
of a film also its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch import hashers
from hashmatch.hashers.blocks import Levels, turned, unpack
from hashmatch.hashers.orientations import INVERSE, ORIENTATIONS
from hashmatch.matching.table import HashRows, comparable, rows_of, seconds_of, stands
from hashmatch.records import Hash, Kind
from hashmatch.views import pack_view

#: What was done to the reference's picture to make the query's, by number: an orientation, or the negative.
TURNS = (*ORIENTATIONS, "inverted")
_NEGATIVE = len(ORIENTATIONS)
#: Seconds that a frame of a file stands for at most: key frames may be some 10 s apart.
LONGEST_STEP = 12.0


@dataclass(frozen=True, slots=True)
class Queries:
    """The hashes of one algorithm that a file is searched by. turn: uint8 (n,), a number in TURNS. stop: float64 (n,),
    until which second of the film each stands; of a still picture 1. blocks: of each view (packed) those of the
    still picture, packed; see hashers/blocks.py."""

    algorithm: str
    rows: HashRows
    turn: npt.NDArray[np.uint8]
    stop: npt.NDArray[np.float64]
    blocks: dict[int, bytes]

    def blocks_of(self, row: int) -> Levels | None:
        """Those of a row's view, as its picture is turned; None where there are none."""
        packed = self.blocks.get(int(self.rows.view[row]))
        if packed is None:
            return None
        turn = TURNS[int(self.turn[row])]
        return -unpack(packed) if turn == "inverted" else turned(unpack(packed), INVERSE[turn])


def queries_of(hashes: Sequence[Hash], algorithm: str, kind: Kind) -> Queries:
    """kind: of the file. Hashes that say nothing are left out."""
    own = [each for each in hashes if each.algorithm == algorithm]
    every, turn = list(own), [0] * len(own)
    for each in own if algorithm == hashers.MAIN else ():
        if kind == "image":
            every.append(_with_bits(each, bytes(255 - byte for byte in each.bits)))
            turn.append(_NEGATIVE)
        width = len(each.bits)
        for number in range(1, 1 + len(each.turned) // width):
            every.append(_with_bits(each, each.turned[(number - 1) * width : number * width]))
            # The query turned so is like the reference; so the reference turned back is the query.
            turn.append(ORIENTATIONS.index(INVERSE[ORIENTATIONS[number]]))
    rows = rows_of(every)
    # What says nothing still ends the frame before it.
    stop = _stops(rows.time)
    kept = comparable(rows, algorithm)
    guards = {pack_view(each.view): each.bits for each in hashes if each.algorithm == hashers.GUARD}
    return Queries(algorithm, rows.select(kept), np.array(turn, np.uint8)[kept], stop[kept], guards)


def _stops(times: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Until when each frame stands; several hashes may be of one frame."""
    seconds = seconds_of(times)
    order = np.argsort(seconds)
    new = np.append(True, np.diff(seconds[order]) > 0)[: len(order)]
    moments = seconds[order][new]
    stop = np.empty_like(seconds)
    stop[order] = (moments + stands(moments, LONGEST_STEP))[np.cumsum(new) - 1]
    return stop


def _with_bits(original: Hash, bits: bytes) -> Hash:
    return Hash(original.algorithm, bits, original.quality, original.time, original.view)
