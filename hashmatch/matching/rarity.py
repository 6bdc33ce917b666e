"""Stretches that unrelated films share: a channel's intro, a countdown, colour bars. They are called inserts.

Copies of one film also share what comes before and after a stretch, however many copies there are. After an insert, each
film continues with something else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hashmatch.hamming.words import distances_of
from hashmatch.matching.alignment import Stretch
from hashmatch.matching.evidence import StretchEvidence
from hashmatch.matching.tiers import GOES_ON_BITS, GOES_ON_SHARE, INSERT_OVERLAP, LONGEST_INSERT, UNRELATED
from hashmatch.matching.tracks import ReferenceFilm

#: Other references to compare with, at most.
MOST_OTHERS = 8
#: Seconds before and after a stretch in which two references are compared, and seconds at its edges that are left out, since
#: an edge is known to half a second only.
BEYOND, EDGE = 10.0, 1.0
#: Frames of the two are compared if they are within this many seconds of each other.
SECONDS = 1.0

#: A reference, and the stretches that it shares with the file.
RivalFootage = tuple[ReferenceFilm, Sequence[StretchEvidence]]


def find_inserts(films: Sequence[RivalFootage]) -> list[set[int]]:
    """For each reference, the numbers of its stretches that are inserts."""
    inserts: list[set[int]] = [set() for _film in films]
    if len(films) <= UNRELATED:
        return inserts
    spans = [(number, each) for number, (_footage, stretches) in enumerate(films) for each in stretches]
    begin = np.array([each.stretch.query[0] for _number, each in spans])
    end = np.array([each.stretch.query[1] for _number, each in spans])
    owner = np.array([number for number, _each in spans])
    for own, (footage, stretches) in enumerate(films):
        for number, each in enumerate(stretches):
            start, stop = each.stretch.query
            if stop - start > LONGEST_INSERT:
                continue
            common = np.minimum(end, stop) - np.maximum(begin, start)
            others = np.flatnonzero((common > INSERT_OVERLAP * (stop - start)) & (owner != own))
            # First those that share little more than this stretch. One that shares the whole file has no insert there.
            others = others[np.argsort(end[others] - begin[others], kind="stable")][:MOST_OTHERS]
            unrelated = 0
            for other in others.tolist():
                theirs = films[spans[other][0]][0]
                if goes_on_alike(each.stretch, footage, spans[other][1].stretch, theirs) is False:
                    unrelated += 1
                if unrelated == UNRELATED:
                    inserts[own].add(number)
                    break
    return inserts


def goes_on_alike(one: Stretch, of_one: ReferenceFilm, other: Stretch, of_other: ReferenceFilm) -> bool | None:
    """Whether two references show the same before or after the footage that both share with the file.

    None if there is no way to know, because one of them begins and ends with this footage.
    """
    begin, end = max(one.query[0], other.query[0]), min(one.query[1], other.query[1])
    edges = one.line(np.array([begin, end]))
    start = of_one.start
    before = (start >= edges[0] - BEYOND) & (start < edges[0] - EDGE)
    after = (start > edges[1] + EDGE) & (start <= edges[1] + BEYOND)
    rows = np.flatnonzero((before | after) & of_one.good)
    # The same moments on the file's clock, and from there on the other reference's.
    moments = other.line((start[rows] - one.line.offset) / one.line.speed)
    within = (moments >= of_other.start.min()) & (moments <= of_other.stop.max())
    rows, moments = rows[within], moments[within]
    if not len(rows):
        return None
    close = (of_other.stop >= moments.min() - SECONDS) & (of_other.start <= moments.max() + SECONDS)
    good = np.flatnonzero(of_other.good & close)
    near = np.abs(of_other.start[good][None, :] - moments[:, None]) <= SECONDS
    near |= (of_other.start[good][None, :] <= moments[:, None]) & (moments[:, None] < of_other.stop[good][None, :])
    number, row = np.nonzero(near)
    if not len(number):
        return None
    alike = distances_of(of_one.words, rows[number], of_other.words, good[row]) <= GOES_ON_BITS
    return len(set(number[alike].tolist())) >= GOES_ON_SHARE * len(set(number.tolist()))
