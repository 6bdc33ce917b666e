"""Candidates by learned descriptors (hashers/learned.py), and what the descriptor alone may say.

A descriptor proposes references that look alike; local features then say where one is in the file (local.py), or that it is
not. Where geometry finds nothing, as in a sketch or a small copy, the descriptor alone makes a match `possible`, if the
reference is near, and nearer than any of a background set by far: cards, screens and documents of one style are alike to the
network whatever they say, and it shows in that made-up ones of their style are as near as the reference. (Score
normalisation, as in the SSCD paper, section 4.3.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashmatch.hashers.learned import SIGNS, LearnedModel, Proof
from hashmatch.hashers.local_features import LocalFeatures
from hashmatch.matching.local import LocalMatch, Suspect, compare
from hashmatch.matching.results import Match, MatchedReference
from hashmatch.matching.table import HashTable, rows_of
from hashmatch.records import Hash

#: How many references a file's descriptors propose, at most. To compare features with one takes a millisecond, and as long
#: for the mirror image.
MOST_PROPOSALS = 8
#: How many of the nearest of the background set make its distance.
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """A reference that looks like a file.

    distance: bits, the smallest over the pictures of the file that were described.
    is_telling: whether it is worth a look although nothing else confirms it.
    """

    owner: int
    distance: int
    is_telling: bool


@dataclass(frozen=True, slots=True)
class LearnedTables:
    """The descriptors of all references by one model, ready to be searched. algorithm: what its hashes are called."""

    algorithm: str
    model: LearnedModel
    tables: tuple[HashTable, ...]

    def propose(self, hashes: Iterable[Hash]) -> list[Proposal]:
        """The references that look like a file, nearest first, each once. hashes: of the file, of any algorithms."""
        own = [each for each in hashes if each.algorithm == self.algorithm]
        if not own:
            return []
        rows, ground = rows_of(own), _background_distance(own, self.model)
        nearest: dict[int, int] = {}
        telling = set[int]()
        for table in self.tables:
            hits = table.search(rows, self.model.radius)
            owners = table.rows.owner[hits.reference]
            telling.update(owners[_are_telling(hits.distance, ground[hits.query], self.model.proof)].tolist())
            for owner, distance in zip(owners.tolist(), hits.distance.tolist(), strict=True):
                nearest[owner] = min(distance, nearest.get(owner, distance))
        first = sorted(nearest, key=lambda owner: (nearest[owner], owner))[:MOST_PROPOSALS]
        return [Proposal(owner, nearest[owner], owner in telling) for owner in first]


def _are_telling(
    distance: npt.NDArray[np.int64], ground: npt.NDArray[np.float64], proof: Proof | None
) -> npt.NDArray[np.bool_]:
    """Which hits are so near, and so much nearer than the background, that they tell something by themselves: bool (n,)."""
    if proof is None:
        return np.zeros(len(distance), np.bool_)
    lead = np.where(ground >= proof.afar, proof.lead_afar, proof.lead)
    telling: npt.NDArray[np.bool_] = (distance <= proof.distance) & (ground - distance >= lead)
    return telling


def _background_distance(hashes: Sequence[Hash], model: LearnedModel) -> npt.NDArray[np.float64]:
    """For each descriptor, the mean distance of the nearest of the background set: float64 (n,)."""
    ground = model.background()
    if not len(ground):
        return np.full(len(hashes), float(SIGNS))
    bits = np.frombuffer(b"".join(each.bits for each in hashes), np.uint8).reshape(len(hashes), -1)
    distances = np.bitwise_count(bits[:, None] ^ ground).sum(axis=2, dtype=np.int64)
    nearest: npt.NDArray[np.float64] = np.sort(distances, axis=1)[:, :NEAREST].mean(axis=1)
    return nearest


def found_in(
    proposals: Iterable[Proposal],
    suspects: Sequence[Suspect],
    features_of: Callable[[int], LocalFeatures | None],
) -> list[LocalMatch]:
    """Which of the proposed references are in the picture, by its local features. Arguments: as for local.search."""
    found = []
    for proposal in proposals:
        reference = features_of(proposal.owner)
        if reference is None:
            continue
        for suspect in suspects:
            match = compare(suspect, reference, proposal.owner)
            if match is not None:
                found.append(match)
                break
    return found


def match_of_proposal(reference: MatchedReference, algorithm: str) -> Match:
    """The match that rests on a descriptor alone."""
    return Match(reference, "possible", None, algorithm, "none", None, None, "looks-alike")
