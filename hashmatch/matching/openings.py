"""Stretches that may be no more than what a reference opens or closes with: an intro, a logo, an outro.

Unlike an insert (rarity.py), such a stretch needs no third film to be told: the file and the reference part ways after it.
"""

from __future__ import annotations

import numpy as np

from hashmatch.matching.alignment import Sides, Stretch, follow
from hashmatch.matching.rarity import BEYOND
from hashmatch.matching.tiers import GOES_ON_SHARE, LONGEST_INSERT

#: Seconds of a reference that may lie between its first or last frame and a stretch that it opens or closes with: a fade.
FADE = 2.0
#: Seconds at the edge of a stretch that are left out: it is known to so much, and what follows may last no longer than 2 s.
EDGE = 0.5


def is_opening(stretch: Stretch, sides: Sides) -> bool:
    """Whether the reference opens or closes with a short stretch, and then each film shows something else.

    sides: that the stretch was found between. False if one of the films has nothing to compare beyond the stretch.
    """
    start, end = stretch.query
    good = sides.footage.good
    if end - start > LONGEST_INSERT or not good.any():
        return False
    opens = stretch.reference[0] - float(sides.footage.start[good].min()) <= FADE
    closes = float(sides.footage.stop[good].max()) - stretch.reference[1] <= FADE
    if opens == closes:
        return False
    time = sides.frames.time
    after, before = (time > end + EDGE) & (time <= end + BEYOND), (time >= start - BEYOND) & (time < start - EDGE)
    beyond = np.flatnonzero(after if opens else before)
    if not len(beyond):
        return False
    followed = follow(stretch.line, beyond, sides)
    # Not `contradicts`: what a reference shows is known while a frame stands, also far from where it began.
    agreeing, other = int(followed.agrees.sum()), int((followed.good & ~followed.agrees).sum())
    return other > 0 and agreeing < GOES_ON_SHARE * (agreeing + other)
